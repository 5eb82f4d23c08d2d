import assert from "node:assert/strict";
import { createApp, type Services } from "../../app/http.ts";
import { readConfig } from "../../config/config.ts";
import { createLogger } from "../../log.ts";
import { openPaths, scopeOf, statedOperations } from "../../routes/auth/scopes.ts";
import type { AuditedRequest } from "../../services/auth/audit.ts";
import { covers, isSafe, type Scope, scopes } from "../../services/auth/scope.ts";
import { createAuth, settingTokens } from "../../services/auth/service.ts";

const methods = ["get", "post", "put", "patch", "delete"] as const;
const admin = "the-admin-token-of-this-matrix";
const log = createLogger({ level: "error", write: () => {} });

/** Services that answer nothing: what comes as far as asking one has passed the gate. */
const unasked = (): unknown =>
  new Proxy({}, {
    get: () => () => {
      throw new Error("past the gate");
    },
  });

/** The whole app, with real tokens and sessions, and with a clock on which no wrong token waits for the one before. */
async function startGate() {
  const dataDir = await Deno.makeTempDir({ prefix: "holdfast-matrix-" });
  const config = readConfig({ HOLDFAST_TOKEN: admin, HOLDFAST_DATA_DIR: dataDir });
  let elapsedMs = 0;
  const auth = createAuth({
    settings: settingTokens(config),
    dataDir,
    clock: { now: () => new Date() },
    timers: { nowMs: () => elapsedMs += 3_600_000 },
    log,
  });
  const noted: AuditedRequest[] = [];
  const services = {
    ...Object.fromEntries(
      ["ingest", "market", "instruments", "exactness", "alerts", "benchmarks", "hub", "relay"]
        .map((name) => [name, unasked()]),
    ),
    monitor: { history: unasked() },
    writeAccess: { state: () => ({ mode: "writing", schema: true }) },
    auth,
    audit: { note: (request: AuditedRequest) => noted.push(request) },
    requestLog: { record: () => {} },
    clock: { now: () => new Date() },
    databaseName: "default",
    members: { several: false, list: () => [] },
    isPrepared: () => false,
    preparationProblem: () => undefined,
  } as unknown as Services;
  const app = createApp({
    services,
    config,
    log,
    upgrade: () => {
      throw new TypeError("no sockets here");
    },
    version: "test",
  });
  const make = async (scope: Scope, name: string) =>
    (await auth.createToken({ name, scope, expiresAt: null, createdBy: "test" })).secret;
  const session = (token: string) => {
    const principal = auth.byToken(token, "test");
    assert.ok(principal);
    return `holdfast_session=${auth.beginSession(principal).value}`;
  };
  const tokens = Object.fromEntries(
    await Promise.all(scopes.map(async (scope) => [scope, await make(scope, scope)] as const)),
  ) as Record<Scope, string>;
  const revoked = await make("admin", "revoked");
  const revokedSession = session(revoked);
  await auth.revokeToken("revoked");
  return { app, auth, tokens, session, revoked, revokedSession, noted, dataDir };
}

type Verdict = "passes" | "unauthorized" | "forbidden";

/** What the gate says; what comes after it may answer as it likes. */
async function verdictOf(response: Response, method: string): Promise<Verdict> {
  if (response.status !== 401 && response.status !== 403) {
    await response.body?.cancel();
    return "passes";
  }
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  if (method === "head") return response.status === 401 ? "unauthorized" : "forbidden";
  const { code, status, detail, request_id } = await response.json();
  assert.equal(status, response.status);
  assert.equal(code, response.status === 401 ? "unauthorized" : "forbidden");
  assert.ok(detail && request_id);
  return code;
}

Deno.test("each operation of the document admits whom it says, and nobody else", async (t) => {
  const gate = await startGate();
  const { app, tokens, session, revoked, revokedSession, noted } = gate;
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const cookies = Object.fromEntries(
    scopes.map((scope) => [scope, session(tokens[scope])]),
  ) as Record<Scope, string>;
  const crossSite: Record<string, string>[] = [
    { "sec-fetch-site": "cross-site" },
    { origin: "https://elsewhere.example" },
    { origin: "null" },
  ];
  const ask = async (method: string, path: string, headers: Record<string, string>) =>
    await verdictOf(
      await app.handle(
        new Request(`http://holdfast.test${path}`, { method: method.toUpperCase(), headers }),
        "192.0.2.1",
      ),
      method,
    );
  let asked = 0;

  async function hold(method: string, path: string, needed: Scope | undefined): Promise<void> {
    const expect = async (
      what: string,
      headers: Record<string, string>,
      verdict: Verdict,
    ) => {
      assert.equal(await ask(method, path, headers), verdict, `${method} ${path}, ${what}`);
      asked++;
    };
    const nobody = needed === undefined ? "passes" : "unauthorized";
    await expect("no token", {}, nobody);
    await expect("an empty token", { authorization: "Bearer " }, nobody);
    await expect("the token by another scheme", { authorization: `Basic ${admin}` }, nobody);
    await expect("a wrong token", bearer(`${admin}x`), nobody);
    await expect("a revoked token", bearer(revoked), nobody);
    await expect("the cookie of a revoked token", { cookie: revokedSession }, nobody);
    await expect("a token as a cookie", { cookie: `holdfast_session=${admin}` }, nobody);
    await expect("the setting's token", bearer(admin), "passes");
    for (const scope of scopes) {
      const verdict = needed === undefined || covers(scope, needed) ? "passes" : "forbidden";
      await expect(`a token of scope ${scope}`, bearer(tokens[scope]), verdict);
      if (path === "/api/session" && method === "delete") continue; // it ends the session
      await expect(`a cookie of scope ${scope}`, { cookie: cookies[scope] }, verdict);
    }
    for (const headers of crossSite) {
      const safe = isSafe(method);
      const verdict = safe ? "passes" : "forbidden";
      const cookie = { cookie: cookies.admin, ...headers };
      await expect(`a cookie from ${Object.values(headers)}`, cookie, verdict);
    }
  }

  try {
    const { paths = {} } = app.document;
    let changes = 0;
    for (const [path, item] of Object.entries(paths)) {
      for (const method of methods) {
        const operation = item[method] as
          | { "x-scope"?: Scope; security?: unknown[]; operationId?: string }
          | undefined;
        if (!operation) continue;
        const needed = operation["x-scope"];
        const open = openPaths.has(path);
        assert.equal(needed === undefined, open, `${method} ${path} states its scope`);
        assert.deepEqual(operation.security, open ? [] : [{ bearer: [] }, { session: [] }]);
        if (!isSafe(method) && !open) {
          changes++;
          assert.notEqual(needed, "read", `${method} ${path} changes something`);
        }
        await t.step(
          `${method} ${path}: ${needed ?? "anybody"}`,
          () => hold(method, path.replaceAll(/\{[^}]+\}/g, "7"), needed),
        );
        if (method === "get") {
          await t.step(
            `head ${path}`,
            () => hold("head", path.replaceAll(/\{[^}]+\}/g, "7"), needed),
          );
        }
      }
    }
    for (const path of ["/", "/docs", "/openapi.json", "/ws", "/no/such"]) {
      await t.step(`get ${path}: read`, () => hold("get", path, "read"));
    }
    await t.step("post to a path that is not there: admin", () => hold("post", "/api/x", "admin"));
    assert.ok(changes > 30, "the changes were seen");
    assert.ok(asked > 1_500, `${asked} requests`);
    assert.ok(noted.every(({ method }) => !isSafe(method)));
    assert.ok(noted.some(({ operation, status }) => operation === "createToken" && status === 403));
    assert.doesNotMatch(JSON.stringify(noted), /hft_/);
  } finally {
    await gate.auth.stop();
    await Deno.remove(gate.dataDir, { recursive: true });
  }
});

Deno.test("every change states its scope, every stated scope is of an operation", async () => {
  const gate = await startGate();
  try {
    const changes: string[] = [];
    const all: string[] = [];
    for (const [path, item] of Object.entries(gate.app.document.paths ?? {})) {
      for (const method of methods) {
        const id = (item[method] as { operationId?: string } | undefined)?.operationId;
        if (id === undefined) continue;
        all.push(id);
        if (!isSafe(method) && !openPaths.has(path)) changes.push(id);
      }
    }
    const stated = statedOperations();
    assert.deepEqual(
      changes.filter((id) => !stated.includes(id)),
      [],
      "without a scope these need admin: state it in routes/auth/scopes.ts",
    );
    assert.deepEqual(stated.filter((id) => !all.includes(id)), []);
    assert.equal(scopeOf("post", "one that nobody has thought of"), "admin");
    assert.equal(scopeOf("get"), "read");
  } finally {
    await gate.auth.stop();
    await Deno.remove(gate.dataDir, { recursive: true });
  }
});
