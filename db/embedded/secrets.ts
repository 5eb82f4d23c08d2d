import { Buffer } from "node:buffer";
import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from "node:crypto";
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { findPassword } from "../address/grammar.ts";
import { codeOf } from "../errors.ts";
import type { RunAs } from "./command.ts";
import { replaceFile } from "./files.ts";

/** The cluster's superuser: it sets up the server at a start, and works no day. */
export const superuser = "postgres";
/** Holdfast's own role, which serves. */
export const ownRole = "holdfast";

/** The passwords of the embedded server's two roles. */
export interface Secrets {
  superuser: string;
  own: string;
}

/** The least that RFC 7677 allows; a password of 256 random bits needs no more. */
const iterations = 4096;

const hmac = (key: Uint8Array, text: string) => createHmac("sha256", key).update(text).digest();

/**
 * Returns a password as Postgres stores it (SCRAM-SHA-256), so that the password itself reaches neither a statement nor
 * a log. ASCII only: SASLprep is not done.
 */
export function scramVerifier(
  password: string,
  salt: Uint8Array = new Uint8Array(randomBytes(16)),
): string {
  const salted = new Uint8Array(pbkdf2Sync(password, salt, iterations, 32, "sha256"));
  const stored = createHash("sha256").update(hmac(salted, "Client Key")).digest("base64");
  const server = hmac(salted, "Server Key").toString("base64");
  return `SCRAM-SHA-256$${iterations}:${Buffer.from(salt).toString("base64")}$${stored}:${server}`;
}

/** Says whether a stored verifier is that of `password`. */
export function isVerifierOf(verifier: string | null, password: string): boolean {
  const salt = /^SCRAM-SHA-256\$4096:([A-Za-z0-9+/=]+)\$/.exec(verifier ?? "")?.[1];
  if (salt === undefined || verifier === null) return false;
  const made = Buffer.from(scramVerifier(password, new Uint8Array(Buffer.from(salt, "base64"))));
  const found = Buffer.from(verifier);
  return made.length === found.length && timingSafeEqual(made, found);
}

const newPassword = () => randomBytes(32).toString("base64url");

const wildcard = { host: "*", port: "*", database: "*" };

/** Returns the password that a file in libpq's form gives a role; undefined where there is none. Never follows a link. */
export async function readPassword(path: string, user: string): Promise<string | undefined> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      return findPassword(await file.readFile("utf8"), { ...wildcard, user });
    } finally {
      await file.close();
    }
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * Returns the passwords of a data directory, and makes what is missing: a file of mode 0600 in libpq's form, for psql
 * (PGPASSFILE) as well.
 */
export async function ensureSecrets(path: string, as: RunAs | undefined): Promise<Secrets> {
  const found = {
    superuser: await readPassword(path, superuser),
    own: await readPassword(path, ownRole),
  };
  if (found.superuser && found.own) return { superuser: found.superuser, own: found.own };
  const secrets = { superuser: found.superuser || newPassword(), own: found.own || newPassword() };
  await replaceFile(
    path,
    "# Passwords of the embedded Postgres, for Holdfast and (PGPASSFILE) psql. Made anew when missing.\n" +
      `*:*:*:${superuser}:${secrets.superuser}\n*:*:*:${ownRole}:${secrets.own}\n`,
    as,
  );
  return secrets;
}
