import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from "node:crypto";
import { Buffer } from "node:buffer";

const hmac = (key: Uint8Array, text: string) => createHmac("sha256", key).update(text).digest();
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();

/** Creates one SCRAM-SHA-256 exchange without channel binding (RFC 7677). */
export function createScram(password: string, nonce = randomBytes(18).toString("base64")) {
  const bare = `n=,r=${nonce}`;
  let expected: Uint8Array | undefined;
  return {
    first: `n,,${bare}`,
    /** Returns the answer to the server's challenge. Throws when the challenge is of another exchange. */
    answer(challenge: string): string {
      const fields = Object.fromEntries(
        challenge.split(",").map((part) => [part[0], part.slice(2)]),
      );
      const { r = "", s = "", i = "" } = fields;
      const rounds = Number(i);
      if (!r.startsWith(nonce) || !s || !(rounds >= 1 && rounds <= 10_000_000)) {
        throw new Error("The server's SCRAM challenge does not fit ours");
      }
      const salted = pbkdf2Sync(
        password,
        new Uint8Array(Buffer.from(s, "base64")),
        rounds,
        32,
        "sha256",
      );
      const clientKey = hmac(salted, "Client Key");
      const unproven = `c=biws,r=${r}`;
      const signed = `${bare},${challenge},${unproven}`;
      const signature = hmac(sha256(clientKey), signed);
      const proof = clientKey.map((byte, at) => byte ^ (signature[at] ?? 0));
      expected = hmac(hmac(salted, "Server Key"), signed);
      return `${unproven},p=${Buffer.from(proof).toString("base64")}`;
    },
    /** Throws when the server does not prove that it knows the password. */
    check(final: string): void {
      const found = Buffer.from(final.replace(/^v=/, ""), "base64");
      if (!expected || found.length !== expected.length || !timingSafeEqual(found, expected)) {
        throw new Error("The server could not prove that it knows the password");
      }
    },
  };
}
