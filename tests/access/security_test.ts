import assert from "node:assert/strict";
import { startApp, type TestApp } from "../helpers/test_app.ts";

const admin = "admin-token-of-this-test";
const reader = "reader-token-of-this-test";
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

async function withApp(env: Record<string, string>, work: (app: TestApp) => Promise<void>) {
  const app = await startApp(env);
  try {
    await work(app);
  } finally {
    await app.stop();
  }
}

/** A request whose Host, Origin and the like fetch would not let us choose. */
async function raw(app: TestApp, head: string): Promise<string> {
  const { port } = new URL(app.url);
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
  try {
    await connection.write(new TextEncoder().encode(`${head}\r\nConnection: close\r\n\r\n`));
    return await new Response(connection.readable).text();
  } catch {
    return "";
  }
}

Deno.test("with a token set, all but the basic health paths need it", async (t) => {
  await withApp({ HOLDFAST_TOKEN: admin, HOLDFAST_READ_TOKEN: reader }, async (app) => {
    await t.step("health is open, the rest answers 401 with a problem", async () => {
      for (const path of ["/api/health", "/api/health/live", "/api/health/ready"]) {
        assert.equal((await app.json<{ status: string }>(path)).status !== undefined, true);
      }
      for (
        const path of [
          "/api/health/database",
          "/api/ticks?symbol=X",
          "/openapi.json",
          "/ws",
          "/api/alerts/rules",
        ]
      ) {
        const response = await app.request(path);
        assert.equal(response.status, 401, path);
        assert.match(response.headers.get("www-authenticate") ?? "", /^Bearer/);
        assert.equal((await response.json()).code, "unauthorized");
      }
    });
    await t.step("the admin's token opens, a wrong one does not", async () => {
      const open = await app.request("/api/health/database", { headers: bearer(admin) });
      assert.equal(open.status, 200);
      await open.body?.cancel();
      const shut = await app.request("/api/health/database", { headers: bearer(`${admin}x`) });
      assert.equal(shut.status, 401);
      await shut.body?.cancel();
    });
    await t.step("the reader's token reads and changes nothing", async () => {
      const read = await app.request("/api/instruments", { headers: bearer(reader) });
      assert.equal(read.status, 200);
      await read.body?.cancel();
      const change = await app.post("/api/instruments", { symbol: "X" }, bearer(reader));
      assert.equal(change.status, 403);
      assert.equal((await change.json()).code, "forbidden");
    });
    await t.step(
      "a browser is sent to the login, and a cookie that scripts cannot read lets it in",
      async () => {
        const page = await app.request("/", {
          headers: { accept: "text/html" },
          redirect: "manual",
        });
        assert.deepEqual([page.status, page.headers.get("location")], [302, "/login"]);
        await page.body?.cancel();
        const wrong = await app.post("/api/session", { token: "no such token" });
        assert.equal(wrong.status, 401);
        await wrong.body?.cancel();
        const login = await app.post("/api/session", { token: admin });
        assert.equal(login.status, 204);
        const cookie = login.headers.get("set-cookie") ?? "";
        assert.match(cookie, /HttpOnly/);
        assert.match(cookie, /SameSite=Strict/);
        assert.ok(!cookie.includes(admin), "the cookie is not the token");
        const value = cookie.split(";")[0] ?? "";
        const who = (headers: Record<string, string>) => app.json("/api/session", { headers });
        assert.deepEqual(await who({ cookie: value }), {
          required: true,
          role: "admin",
          name: "HOLDFAST_TOKEN",
        });
        assert.deepEqual(await who(bearer(reader)), {
          required: true,
          role: "read",
          name: "HOLDFAST_READ_TOKEN",
        });
        assert.deepEqual(await who({}), { required: true, role: null, name: null });
        const inside = await app.request("/api/instruments", { headers: { cookie: value } });
        assert.equal(inside.status, 200);
        await inside.body?.cancel();
        const forged = await app.request("/api/instruments", {
          headers: { cookie: `${value}x` },
        });
        assert.equal(forged.status, 401);
        await forged.body?.cancel();
      },
    );
    await t.step("guessing tokens is slowed down", async () => {
      const answers: number[] = [];
      for (let n = 0; n < 30; n++) {
        const answer = await app.post("/api/session", { token: `guess ${n}` });
        answers.push(answer.status);
        await answer.body?.cancel();
      }
      assert.ok(answers.includes(429), answers.join());
    });
    await t.step("no token stands in any log", () => {
      assert.doesNotMatch(JSON.stringify(app.logs), new RegExp(`${admin}|${reader}`));
    });
  });
});

Deno.test("without a token, pages of other sites get nowhere", async (t) => {
  await withApp({}, async (app) => {
    const { host } = new URL(app.url);
    await t.step("a name that was rebound to this address is refused", async () => {
      assert.match(
        await raw(app, "GET /api/health HTTP/1.1\r\nHost: evil.example"),
        /^HTTP\/1.1 403/,
      );
      assert.match(await raw(app, `GET /api/health HTTP/1.1\r\nHost: ${host}`), /^HTTP\/1.1 200/);
      assert.match(
        await raw(app, "GET /api/health HTTP/1.1\r\nHost: localhost:1"),
        /^HTTP\/1.1 200/,
      );
    });
    await t.step(
      "a cross-site POST and a cross-site WebSocket are refused, our own pages' are not",
      async () => {
        const post = (origin: string) =>
          app.post("/api/ticks", [], { origin }).then(async (answer) => {
            await answer.body?.cancel();
            return answer.status;
          });
        assert.equal(await post("https://evil.example"), 403);
        assert.equal(await post("null"), 403);
        assert.equal(await post(app.url), 200);
        const upgrade = (origin: string) =>
          raw(
            app,
            `GET /ws HTTP/1.1\r\nHost: ${host}\r\nOrigin: ${origin}\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
          );
        assert.match(await upgrade("https://evil.example"), /^HTTP\/1.1 403/);
      },
    );
    await t.step("pages carry a strict policy and load nothing from elsewhere", async () => {
      for (const path of ["/", "/docs", "/login"]) {
        const page = await app.request(path);
        const policy = page.headers.get("content-security-policy") ?? "";
        assert.match(policy, /default-src 'none'; script-src 'self'/);
        assert.doesNotMatch(policy, /unsafe/);
        assert.equal(page.headers.get("x-content-type-options"), "nosniff");
        const html = await page.text();
        assert.doesNotMatch(html, /(src|href)="(https?:)?\/\//, path);
      }
    });
    await t.step("a failure inside shows neither SQL nor stack", async () => {
      await app.sql`alter table holdfast.quarantine rename to hidden`;
      try {
        const answer = await app.request("/api/quarantine");
        const text = await answer.text();
        assert.equal(answer.status, 500);
        assert.doesNotMatch(text, /select|relation|holdfast\.|\.ts:|at /i);
        assert.match(JSON.stringify(app.logs), /quarantine.*does not exist/);
      } finally {
        await app.sql`alter table holdfast.hidden rename to quarantine`;
      }
    });
    await t.step("a large JSON body is refused before it is read", async () => {
      const answer = await app.post(
        "/api/instruments",
        JSON.stringify({ symbol: "x".repeat(2_000_000) }),
      );
      assert.equal(answer.status, 413);
      assert.equal((await answer.json()).code, "body_too_large");
    });
  });
});
