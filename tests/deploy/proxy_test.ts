import assert from "node:assert/strict";
import { type Certificates, createCertificates } from "../helpers/certificates.ts";
import { eventually } from "../helpers/eventually.ts";
import { freePort } from "../helpers/process.ts";
import { handshake } from "../helpers/raw_web_socket.ts";
import { caddy, nginx, testWith } from "../helpers/skip.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { tick } from "../helpers/ticks.ts";

const token = "3f8a61d0c2b94e57a1d6f0837be5492c1d7e0f4a";
const bearer = { authorization: `Bearer ${token}` };
const read = (path: string) => Deno.readTextFile(new URL(`../../${path}`, import.meta.url));

/** What a proxy is started with, in a folder of its own. */
interface Place {
  folder: string;
  port: number;
  holdfast: number;
  cert: string;
  key: string;
}

/** Returns the text with each of `changes` made once; fails where the shipped file has no such place. */
function changed(text: string, changes: [string, string][]): string {
  return changes.reduce((before, [from, to]) => {
    assert.equal(before.split(from).length, 2, `once: ${from}`);
    return before.replace(from, () => to);
  }, text);
}

async function nginxCommand({ folder, port, holdfast, cert, key }: Place): Promise<string[]> {
  const site = changed(await read("deploy/proxy/nginx.conf"), [
    ["server 127.0.0.1:8000;", `server 127.0.0.1:${holdfast};`],
    ["listen 443 ssl;", `listen 127.0.0.1:${port} ssl;`],
    ["/etc/ssl/holdfast/fullchain.pem", cert],
    ["/etc/ssl/holdfast/key.pem", key],
  ]);
  await Deno.writeTextFile(`${folder}/holdfast.conf`, site);
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${folder}/${name};`).join(" ");
  await Deno.writeTextFile(
    `${folder}/nginx.conf`,
    `daemon off; pid ${folder}/pid; error_log stderr; worker_processes 1;
events { worker_connections 64; }
http { access_log off; ${temporary} include ${folder}/holdfast.conf; }`,
  );
  return [nginx.bin, "-p", folder, "-c", `${folder}/nginx.conf`];
}

async function caddyCommand({ folder, port, holdfast, cert, key }: Place): Promise<string[]> {
  const site = changed(await read("deploy/proxy/Caddyfile"), [
    ["reverse_proxy 127.0.0.1:8000", `reverse_proxy 127.0.0.1:${holdfast}`],
    // Its own certificate needs a public name.
    ["\nholdfast.example {", `\nhttps://localhost:${port} {\n\ttls ${cert} ${key}`],
  ]);
  const global = "{\n\tadmin off\n\tauto_https disable_redirects\n}\n";
  await Deno.writeTextFile(`${folder}/Caddyfile`, global + site);
  return [caddy.bin, "run", "--config", `${folder}/Caddyfile`];
}

async function assertPasses(app: TestApp, port: number, ca: string): Promise<void> {
  const origin = `https://localhost:${port}`;
  // Not the proxy's own address: what Holdfast takes the client for is seen.
  const client = Deno.createHttpClient({ caCerts: [ca], localAddress: "127.0.0.2" });
  const ask = (path: string, init: RequestInit = {}) => fetch(origin + path, { ...init, client });
  try {
    await eventually(async () => {
      const answer = await ask("/api/health/live");
      await answer.body?.cancel();
      return answer.ok;
    }, "the proxy answers");

    const refused = await ask("/api/alerts", {
      headers: { authorization: "Bearer wrong", "x-forwarded-for": "203.0.113.9" },
    });
    await refused.body?.cancel();
    assert.equal(refused.status, 401);
    const wrong = app.logs.find(({ event }) => event === "wrong_credential");
    assert.equal(wrong?.address, "127.0.0.2", "the client, not the proxy or what it claims");

    const login = await ask("/api/session", {
      method: "POST",
      headers: { "content-type": "application/json", origin },
      body: JSON.stringify({ token }),
    });
    await login.body?.cancel();
    assert.equal(login.status, 204);
    assert.match(login.headers.get("set-cookie") ?? "", /; Secure/);

    // Larger than the limit of 1 MB that nginx has by default.
    const rows = Array.from(
      { length: 12_000 },
      (_, at) =>
        tick({ ts: new Date().toISOString(), symbol: "SPY", price: 1, trade_id: `t-${at}` }),
    );
    const body = rows.map((row) => JSON.stringify(row)).join("\n");
    assert.ok(body.length > 1_100_000, `${body.length} bytes`);
    const upload = await ask("/api/ticks?create=true", {
      method: "POST",
      headers: { ...bearer, "content-type": "application/x-ndjson", "idempotency-key": "large" },
      body,
    });
    const stored = await upload.text();
    assert.equal(upload.status, 200, stored);
    assert.equal(JSON.parse(stored).accepted, rows.length, stored);

    const socket = await Deno.connectTls({ hostname: "localhost", port, caCerts: [ca] });
    const head = handshake("/ws", { host: `localhost:${port}`, origin, ...bearer });
    await socket.write(new TextEncoder().encode(head));
    let text = "";
    const buffer = new Uint8Array(16_384);
    while (!text.includes('"hello"')) {
      const count = await socket.read(buffer);
      assert.ok(count, `the socket ended after: ${text}`);
      text += new TextDecoder().decode(buffer.subarray(0, count));
    }
    assert.match(text, /^HTTP\/1\.1 101 /);
    socket.close();
  } finally {
    client.close();
  }
}

async function passesThrough(commandOf: (place: Place) => Promise<string[]>): Promise<void> {
  const certificates: Certificates = await createCertificates();
  const app = await startApp({ HOLDFAST_TOKEN: token, HOLDFAST_TRUSTED_PROXIES: "127.0.0.1" });
  const port = freePort();
  try {
    const authority = await certificates.authority("ca");
    const { cert, key } = await certificates.issue(
      authority,
      "proxy",
      "/CN=localhost",
      "DNS:localhost,IP:127.0.0.1",
    );
    const { folder } = certificates;
    const holdfast = Number(new URL(app.url).port);
    const [program = "", ...args] = await commandOf({ folder, port, holdfast, cert, key });
    const proxy = new Deno.Command(program, {
      args,
      env: { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
      stdout: "null",
      stderr: "null",
    }).spawn();
    try {
      await assertPasses(app, port, await Deno.readTextFile(authority));
    } finally {
      try {
        proxy.kill("SIGTERM");
      } catch {
        // It has ended by itself, which the checks have reported.
      }
      await proxy.status;
    }
  } finally {
    await app.stop();
    await certificates.remove();
  }
}

testWith(
  nginx,
  "through nginx: requests, large uploads, logins and live sockets, each with its client's address",
  () => passesThrough(nginxCommand),
);

testWith(
  caddy,
  "through Caddy: requests, large uploads, logins and live sockets, each with its client's address",
  () => passesThrough(caddyCommand),
);
