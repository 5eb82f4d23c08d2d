import assert from "node:assert/strict";
import { eventually } from "../helpers/eventually.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { connectLive } from "../helpers/live.ts";
import { fillDataDir } from "../helpers/template.ts";

const admin = "3f8a61d0c2b94e57a1d6f0837be5492c1d7e0f4a";
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
let app: TestApp;
let dataDir: string;

const start = (env: Record<string, string> = {}) =>
  startApp({
    HOLDFAST_DATA_DIR: dataDir,
    HOLDFAST_TOKEN: admin,
    HOLDFAST_TRUSTED_PROXIES: "127.0.0.1",
    ...env,
  });

Deno.test.beforeAll(async () => {
  dataDir = await Deno.makeTempDir({ prefix: "holdfast-auth-" });
  await Deno.chmod(dataDir, 0o755);
  await fillDataDir(dataDir);
  app = await start();
});
Deno.test.afterAll(async () => {
  await app.stop();
  await Deno.remove(dataDir, { recursive: true });
});

interface Made {
  token: { id: string; name: string; scope: string };
  secret: string;
}

/** The status of a request, with what it answered. */
async function ask(
  path: string,
  { method = "GET", headers = {}, body }: {
    method?: string;
    headers?: Record<string, string>;
    body?: unknown;
  } = {},
) {
  const response = await app.request(path, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { "content-type": "application/json" }) },
    redirect: "manual",
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const { status } = response;
  return {
    status,
    headers: response.headers,
    text,
    json: text.startsWith("{") ? JSON.parse(text) : {},
  };
}

async function make(name: string, scope: string, more: object = {}): Promise<Made> {
  const { status, json, headers } = await ask("/api/tokens", {
    method: "POST",
    headers: bearer(admin),
    body: { name, scope, ...more },
  });
  assert.equal(status, 201, JSON.stringify(json));
  assert.equal(headers.get("location"), `/api/tokens/${json.token.id}`);
  return json;
}

const revoke = (id: string, token = admin) =>
  ask(`/api/tokens/${id}`, { method: "DELETE", headers: bearer(token) });

async function login(token: string, headers: Record<string, string> = {}): Promise<string> {
  const answer = await ask("/api/session", { method: "POST", headers, body: { token } });
  assert.equal(answer.status, 204, answer.text);
  return answer.headers.get("set-cookie") ?? "";
}

const pairOf = (cookie: string) => ({ cookie: cookie.split(";")[0] ?? "" });
const statusOf = async (headers: Record<string, string>, path = "/api/instruments") =>
  (await ask(path, { headers })).status;

Deno.test("a token is made, used, listed with its last use, and revoked", async () => {
  const { token, secret } = await make("feed", "ingest");
  assert.match(secret, /^hft_[\w-]{43}$/);
  const file = await Deno.readTextFile(`${dataDir}/tokens.json`);
  assert.ok(file.includes(token.id) && !file.includes(secret) && !file.includes(admin));
  assert.equal(((await Deno.stat(`${dataDir}/tokens.json`)).mode ?? 0) & 0o777, 0o600);
  const store = await ask("/api/ticks?create=true", {
    method: "POST",
    headers: { ...bearer(secret), "x-forwarded-for": "203.0.113.9" },
    body: [{ ts: new Date().toISOString(), symbol: "SPY", price: 1, size: 1 }],
  });
  assert.equal(store.status, 200, store.text);
  const plan = await ask("/api/partitions/plan", {
    method: "POST",
    headers: { ...bearer(secret), "x-forwarded-for": "203.0.113.9" },
  });
  assert.equal(plan.status, 403);
  assert.match(plan.json.detail, /scope operate; the token feed has ingest/);
  assert.match(plan.headers.get("www-authenticate") ?? "", /insufficient_scope.*scope="operate"/);
  const { json } = await ask("/api/tokens", { headers: bearer(admin) });
  const listed = json.tokens.find(({ name }: { name: string }) => name === "feed");
  assert.equal(listed.last_used_from, "203.0.113.9");
  assert.ok(Date.now() - Date.parse(listed.last_used_at) < 60_000);
  assert.equal(json.tokens[0].name, "HOLDFAST_TOKEN");
  const twice = await ask("/api/tokens", {
    method: "POST",
    headers: bearer(admin),
    body: { name: "feed", scope: "read" },
  });
  assert.equal(twice.status, 409);
  assert.equal((await revoke(token.id)).status, 204);
  assert.equal((await revoke(token.id)).status, 404);
  assert.equal(await statusOf(bearer(secret)), 401);
  assert.equal((await revoke("HOLDFAST_TOKEN")).status, 409);
});

Deno.test("a token of the command line works within seconds, and ends so", async () => {
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-P=serve",
        new URL("../../main.ts", import.meta.url).pathname,
        "token",
        ...args,
      ],
      env: { HOLDFAST_DATA_DIR: dataDir, HOLDFAST_TOKEN: admin },
      cwd: new URL("../..", import.meta.url).pathname,
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
    return { code, out: text(stdout), err: text(stderr) };
  };
  const made = await run("create", "--name", "grafana", "--scope", "read", "--days", "30");
  assert.equal(made.code, 0, made.err);
  assert.match(made.out, /^hft_[\w-]{43}$/, "the secret alone, for scripts");
  await eventually(async () => await statusOf(bearer(made.out)) === 200, "it is known");
  assert.match((await run("list")).out, /grafana {2}read {2}[0-9a-f]{12} .*, until 20/);
  assert.match((await run("create", "--name", "x", "--scope", "root")).err, /--scope is "root"/);
  assert.equal((await run("create", "--name", "grafana", "--scope", "read")).code, 1);
  const client = await connectLive(app.url, bearer(made.out));
  assert.equal((await run("revoke", "grafana")).code, 0);
  assert.deepEqual(await client.closed, { code: 1008, reason: "the token or session has ended" });
  assert.equal(await statusOf(bearer(made.out)), 401);
});

Deno.test("a session ends at logout: on the server, and with it its sockets", async () => {
  const cookie = pairOf(await login(admin));
  const other = pairOf(await login(admin));
  const client = await connectLive(app.url, cookie);
  const stays = await connectLive(app.url, other);
  await client.sees("hello", ({ type }) => type === "hello");
  const out = await ask("/api/session", { method: "DELETE", headers: cookie });
  assert.equal(out.status, 204);
  assert.equal((await client.closed).code, 1008);
  assert.equal(await statusOf(cookie), 401, "a copied cookie is worth nothing");
  assert.equal(await statusOf(other), 200);
  assert.equal((await stays.ask({ action: "ping" }, "pong")).type, "pong");
  await stays.close();
});

Deno.test("sessions and sockets end with the token that they came from", async () => {
  const { token, secret } = await make("visitor", "operate");
  const cookie = pairOf(await login(secret));
  assert.deepEqual((await ask("/api/session", { headers: cookie })).json, {
    required: true,
    role: "operate",
    name: "visitor",
  });
  const sockets = [
    await connectLive(app.url, cookie),
    await connectLive(app.url, bearer(secret)),
  ];
  assert.equal((await revoke(token.id)).status, 204);
  assert.equal(await statusOf(cookie), 401);
  for (const socket of sockets) assert.equal((await socket.closed).code, 1008);
});

Deno.test("a cookie is Secure where a trusted proxy says https, and holds nothing of the token", async () => {
  const plain = await login(admin);
  assert.doesNotMatch(plain, /Secure/);
  assert.match(plain, /HttpOnly; SameSite=Strict/);
  const proxied = await login(admin, { "x-forwarded-proto": "https" });
  assert.match(proxied, /Secure/);
  const values = [plain, proxied].map((cookie) => cookie.split(/[=;]/)[1] ?? "");
  for (const value of values) assert.match(value, /^[\w-]{43}$/);
  assert.notEqual(values[0], values[1], "nothing that is computed from the token is alike");
  const kept = await eventually(
    async () => await Deno.readTextFile(`${dataDir}/browser-sessions.json`).catch(() => false),
    "the file",
  );
  for (const value of values) assert.ok(!String(kept).includes(value));
});

Deno.test("only visits to pages are sent to the login", async () => {
  const visit = (path: string, headers: Record<string, string>) => ask(path, { headers });
  const html = { accept: "text/html,application/xhtml+xml" };
  const sent = await visit("/", html);
  assert.deepEqual([sent.status, sent.headers.get("location")], [302, "/login"]);
  assert.equal((await visit("/docs", { ...html, "sec-fetch-mode": "navigate" })).status, 302);
  for (
    const [path, headers] of [
      ["/api/alerts", html],
      ["/metrics", html],
      ["/openapi.json", html],
      ["/", { accept: "*/*" }],
      ["/", { ...html, "sec-fetch-mode": "cors" }],
    ] as const
  ) {
    const { status, json } = await visit(path, headers);
    assert.deepEqual([path, status, json.code], [path, 401, "unauthorized"]);
  }
});

Deno.test("guessing is answered with waits that grow; a right token passes at once all the while", async () => {
  const guess = (n: number, from = "203.0.113.50") =>
    ask("/api/instruments", {
      headers: { ...bearer(`guess ${n}`.replace(" ", "-")), "x-forwarded-for": from },
    });
  const statuses: number[] = [];
  let refused;
  for (let n = 0; n < 30; n++) {
    const answer = await guess(n);
    statuses.push(answer.status);
    if (answer.status === 429) refused = answer;
  }
  assert.ok(statuses.filter((status) => status === 401).length <= 10, statuses.join());
  assert.equal(refused?.json.code, "rate_limited");
  assert.match(refused?.headers.get("retry-after") ?? "", /^[1-9]\d*$/);
  const from = { "x-forwarded-for": "203.0.113.50" };
  assert.equal(await statusOf({ ...bearer(admin), ...from }), 200, "from the same address too");
  const cookie = await login(admin, from);
  assert.equal(await statusOf({ ...pairOf(cookie), ...from }), 200);
  // The wait of the last wrong one may be over on a busy machine; that of the next is twice as long.
  const refusedSoon = async (guess: () => ReturnType<typeof ask>) => {
    for (let n = 0; n < 10; n++) if ((await guess()).status === 429) return true;
    return false;
  };
  assert.ok(
    await refusedSoon(() => ask("/api/session", { headers: { ...bearer("guess"), ...from } })),
    "nor does any other path say whether a token is right",
  );
  const body = { token: "guess" };
  assert.ok(
    await refusedSoon(() => ask("/api/session", { method: "POST", headers: from, body })),
    "nor does the login",
  );
  assert.equal((await guess(1, "203.0.113.51")).status, 401, "others pay nothing for it");
  const probe = await ask("/api/health/live", { headers: { ...bearer("guess"), ...from } });
  assert.equal(probe.status, 200, "a probe with a wrong token finds a server that lives");
  assert.match(JSON.stringify(app.logs), /"wrong_credential"/);
});

Deno.test("a restart keeps sessions and last uses; a changed token ends its sessions", async () => {
  const { secret } = await make("stays", "read");
  const cookies = { admin: pairOf(await login(admin)), named: pairOf(await login(secret)) };
  const gone = pairOf(await login(secret));
  await ask("/api/session", { method: "DELETE", headers: gone });
  await app.stop();
  app = await start();
  assert.equal(await statusOf(cookies.admin), 200);
  assert.equal(await statusOf(cookies.named), 200);
  assert.equal(await statusOf(gone), 401);
  const { json } = await ask("/api/tokens", { headers: cookies.admin });
  const used = json.tokens.find(({ name }: { name: string }) => name === "stays");
  assert.ok(used.last_used_at);
  await app.stop();
  app = await start({ HOLDFAST_TOKEN: `${admin}00` });
  assert.equal(await statusOf(cookies.admin), 401, "it came from a token that is no more");
  assert.equal(await statusOf(cookies.named), 200);
  await app.stop();
  app = await start();
});

Deno.test("a token file that is broken locks nobody out, and is not written over", async () => {
  const { secret } = await make("before", "read");
  const path = `${dataDir}/tokens.json`;
  const whole = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, "{ broken");
  await eventually(
    () => JSON.stringify(app.logs).includes("token_file_unreadable"),
    "it is told",
  );
  assert.equal(await statusOf(bearer(secret)), 200);
  const made = await ask("/api/tokens", {
    method: "POST",
    headers: bearer(admin),
    body: { name: "after", scope: "read" },
  });
  assert.equal(made.status, 409);
  assert.match(made.json.detail, /cannot be changed/);
  assert.equal(await Deno.readTextFile(path), "{ broken");
  await Deno.writeTextFile(path, whole);
  await eventually(async () => {
    const { status } = await ask("/api/tokens", {
      method: "POST",
      headers: bearer(admin),
      body: { name: "after", scope: "read" },
    });
    return status === 201;
  }, "it goes on");
});

Deno.test("no secret stands in any log", () => {
  assert.doesNotMatch(JSON.stringify(app.logs), new RegExp(`hft_|${admin}`));
});
