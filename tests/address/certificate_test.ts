import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createPrivateKey, randomBytes, X509Certificate } from "node:crypto";
import { connect } from "node:net";
import fc from "fast-check";
import { namesOf, standsFor } from "../../db/address/certificate.ts";
import { startTls } from "../../db/address/tls.ts";
import { eventually } from "../helpers/eventually.ts";
import { freePort } from "../helpers/process.ts";
import { createCertificates } from "../helpers/certificates.ts";

Deno.test("the names are read from a certificate's bytes, each as it is", async () => {
  const made = await createCertificates();
  try {
    const ca = await made.authority("ca");
    const names = async (subject: string, alternatives?: string) => {
      const { cert } = await made.issue(ca, "x", subject, alternatives);
      return namesOf(new X509Certificate(await Deno.readTextFile(cert)).raw);
    };
    assert.deepEqual(await names("/O=x/CN=first/CN=last"), {
      dns: [],
      ips: [],
      commonNames: ["first", "last"],
    });
    assert.deepEqual(
      await names("/CN=x", "DNS:a.example,URI:http://u,IP:10.0.0.1,email:m@x,IP:2001:db8::1"),
      {
        dns: ["a.example"],
        ips: ["0a000001", "20010db8000000000000000000000001"],
        commonNames: ["x"],
      },
    );
    assert.deepEqual(
      (await names("/CN=x", "@names\n[names]\nDNS.1=evil.example, DNS:good.example")).dns,
      ["evil.example, DNS:good.example"],
    );
  } finally {
    await made.remove();
  }
});

Deno.test("a certificate stands for the hosts that libpq takes it for, and no others", () => {
  const certificate = (dns: string[], ips: string[] = [], commonNames = ["cn.example"]) => ({
    dns,
    ips,
    commonNames,
  });
  const taken: [ReturnType<typeof certificate>, string][] = [
    [certificate(["DB.example."]), "db.EXAMPLE"],
    [certificate(["no", "*.example.org"]), "a.example.org"],
    [certificate([]), "cn.example"],
    [certificate([], ["0a000001"]), "10.0.0.1"],
    [certificate([], ["0a000001"]), "cn.example"],
    [certificate([], ["20010db8000000000000000000000001"]), "2001:DB8::1"],
    [certificate([], ["00000000000000000000000000000001"]), "0:0::1"],
    [certificate([], ["00000000000000000000ffff0a000001"]), "::ffff:10.0.0.1"],
    [certificate([], [], ["10.0.0.1"]), "10.0.0.1"],
    [certificate(["10.0.0.1"]), "10.0.0.1"],
    [certificate(["localhost"], [], ["10.0.0.1"]), "10.0.0.1"],
    [certificate(["*.internal"]), "db.internal"],
    [certificate([], [], ["first", "last"]), "last"],
  ];
  const refused: [ReturnType<typeof certificate>, string][] = [
    [certificate(["a.example"]), "cn.example"],
    [certificate(["*.example.org"]), "example.org"],
    [certificate(["*.example.org"]), "a.b.example.org"],
    [certificate(["*.example.org"]), ".example.org"],
    [certificate(["*"]), "localhost"],
    [certificate(["*."]), "example."],
    [certificate(["a*.example.org"]), "ab.example.org"],
    [certificate(["*.0.0.1"], [], ["*.0.0.1"]), "10.0.0.1"],
    [certificate(["good.example\0.evil.example"]), "good.example"],
    [certificate([], ["0a000002"], ["10.0.0.1"]), "10.0.0.1"],
    [certificate([], ["0a000001"]), "localhost"],
    [certificate([], ["0a000001"]), "::ffff:10.0.0.1"],
    [certificate([], [], []), "db.example"],
    [certificate([], [], ["first", "last"]), "first"],
    [certificate([""]), ""],
  ];
  for (const [names, host] of taken) {
    assert.ok(standsFor(names, host), `${JSON.stringify(names)} ${host}`);
  }
  for (const [names, host] of refused) {
    assert.ok(!standsFor(names, host), `${JSON.stringify(names)} ${host}`);
  }
});

Deno.test("bytes that are no certificate are a RangeError, never another error or an endless loop", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    try {
      namesOf(bytes);
    } catch (error) {
      assert.ok(error instanceof RangeError, String(error));
    }
  }));
});

Deno.test("a server that shows a certificate without having its key is refused", async () => {
  const made = await createCertificates();
  const ca = await made.authority("ca");
  const { cert, key } = await made.issue(ca, "server", "/CN=x", "DNS:localhost");
  // The same public key, so that openssl takes the pair, and another secret.
  const der = createPrivateKey(await Deno.readTextFile(key)).export({
    type: "sec1",
    format: "der",
  });
  randomBytes(31).copy(der, der.indexOf(Buffer.from([0x04, 0x20])) + 3);
  const stolen = `${made.folder}/stolen.key`;
  const pem = der.toString("base64").match(/.{1,64}/g)?.join("\n");
  await Deno.writeTextFile(
    stolen,
    `-----BEGIN EC PRIVATE KEY-----\n${pem}\n-----END EC PRIVATE KEY-----\n`,
  );
  const tls = { mode: "verify-full", direct: false, sni: true, rootCert: ca } as const;
  /** Returns how TLS with a server that has this key ends. */
  async function handshake(key: string, mode: "verify-full" | "require"): Promise<string> {
    const port = freePort();
    const server = new Deno.Command("openssl", {
      args: ["s_server", "-accept", `127.0.0.1:${port}`, "-cert", cert, "-key", key, "-quiet"],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const socket = await eventually(async () => {
      const socket = connect({ host: "127.0.0.1", port });
      await new Promise<void>((resolve, reject) => {
        socket.once("connect", resolve);
        socket.once("error", reject);
      });
      return socket;
    }, "openssl listens");
    socket.on("error", () => {});
    const settings = mode === "require" ? { mode, direct: false, sni: true } : tls;
    try {
      const host = { name: "localhost", port };
      const secure = await startTls(socket, host, settings, new AbortController().signal);
      secure.destroy();
      return "secure";
    } catch {
      return "refused";
    } finally {
      socket.destroy();
      server.kill("SIGKILL");
      await server.status;
    }
  }
  try {
    assert.equal(await handshake(key, "verify-full"), "secure");
    assert.equal(await handshake(stolen, "verify-full"), "refused");
    assert.equal(await handshake(stolen, "require"), "refused");
  } finally {
    await made.remove();
  }
});
