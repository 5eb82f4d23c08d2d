import assert from "node:assert/strict";
import fc from "fast-check";
import { createLogger } from "../../log.ts";
import { withFileLock } from "../../lib/file_lock.ts";
import { covers, type Scope, scopes } from "../../services/auth/scope.ts";
import { type Auth, createAuth, type Principal } from "../../services/auth/service.ts";
import {
  openTokenFile,
  type TokenFileContent,
  type TokenRecord,
} from "../../services/auth/store.ts";
import { createTokens } from "../../services/auth/tokens.ts";

const log = createLogger({ level: "error", write: () => {} });
const dayMs = 86_400_000;

type Step =
  | { kind: "create"; scope: Scope; days: number | null }
  | { kind: "revoke"; pick: number }
  | { kind: "login"; pick: number }
  | { kind: "logout"; pick: number }
  | { kind: "pass"; hours: number }
  | { kind: "restart"; changeSetting: boolean };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant("create" as const),
    scope: fc.constantFrom(...scopes),
    days: fc.constantFrom(null, 1, 2),
  }),
  fc.record({ kind: fc.constant("revoke" as const), pick: fc.nat(2) }),
  fc.record({ kind: fc.constant("login" as const), pick: fc.nat(2) }),
  fc.record({ kind: fc.constant("logout" as const), pick: fc.nat(2) }),
  fc.record({ kind: fc.constant("pass" as const), hours: fc.nat(14) }),
  fc.record({ kind: fc.constant("restart" as const), changeSetting: fc.boolean() }),
);

/** A token as it should be known. */
interface ModelToken {
  id: string;
  secret: string;
  scope: Scope;
  endsAt: number;
  alive: boolean;
}

interface ModelSession {
  value: string;
  token: ModelToken;
  endsAt: number;
  alive: boolean;
  /** Whether a socket that watches it was told of its end; undefined where it has none. */
  told: boolean | undefined;
}

Deno.test("whatever happens in whatever order, a credential is worth what it should be, and a socket ends with it", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 30 }), async (steps) => {
      const dataDir = await Deno.makeTempDir({ prefix: "holdfast-auth-model-" });
      const time = { now: Date.UTC(2026, 0, 1) };
      let setting = 0;
      const start = async (): Promise<Auth> => {
        const auth = createAuth({
          settings: [{ name: "HOLDFAST_TOKEN", scope: "admin", token: `setting ${setting}` }],
          dataDir,
          clock: { now: () => new Date(time.now) },
          timers: { nowMs: () => time.now },
          log,
        });
        await auth.load();
        return auth;
      };
      const settingToken = (): ModelToken => ({
        id: "HOLDFAST_TOKEN",
        secret: `setting ${setting}`,
        scope: "admin",
        endsAt: Infinity,
        alive: true,
      });
      let auth = await start();
      const tokens = [settingToken()];
      const sessions: ModelSession[] = [];
      const isAlive = ({ alive, endsAt }: ModelToken) => alive && time.now < endsAt;
      const isOpen = ({ alive, endsAt, token }: ModelSession) =>
        alive && time.now < endsAt && isAlive(token);

      async function take(one: Step): Promise<void> {
        if (one.kind === "create") {
          const endsAt = one.days === null ? Infinity : time.now + one.days * dayMs;
          const { token, secret } = await auth.createToken({
            name: `token-${tokens.length}`,
            scope: one.scope,
            expiresAt: one.days === null ? null : new Date(endsAt).toISOString(),
            createdBy: "test",
          });
          tokens.push({ id: token.id, secret, scope: one.scope, endsAt, alive: true });
        } else if (one.kind === "revoke") {
          const token = tokens.at(-1 - one.pick);
          if (!token?.alive || token.id === "HOLDFAST_TOKEN") return;
          await auth.revokeToken(token.id);
          token.alive = false;
        } else if (one.kind === "login") {
          const token = tokens.at(-1 - one.pick);
          const principal = token && auth.byToken(token.secret, "test");
          if (!token || !principal) return;
          const { value } = auth.beginSession(principal);
          const session: ModelSession = {
            value,
            token,
            endsAt: time.now + 12 * 3_600_000,
            alive: true,
            told: false,
          };
          auth.watch(auth.bySession(value) as Principal, () => session.told = true);
          sessions.push(session);
        } else if (one.kind === "logout") {
          const session = sessions.at(-1 - one.pick);
          if (!session) return;
          auth.endSession(session.value);
          session.alive = false;
        } else if (one.kind === "pass") {
          time.now += one.hours * 3_600_000;
          await auth.check();
        } else {
          await auth.stop();
          for (const session of sessions) session.told = undefined; // its socket went with the server
          if (one.changeSetting) {
            setting++;
            for (const token of tokens) if (token.id === "HOLDFAST_TOKEN") token.alive = false;
            tokens.push(settingToken());
          }
          auth = await start();
        }
      }

      try {
        for (const one of steps) {
          await take(one);
          for (const token of tokens) {
            const found = auth.byToken(token.secret, "test");
            assert.equal(found?.scope, isAlive(token) ? token.scope : undefined);
          }
          for (const session of sessions) {
            const found = auth.bySession(session.value);
            assert.equal(found?.scope, isOpen(session) ? session.token.scope : undefined);
            if (session.told !== undefined) assert.equal(session.told, !isOpen(session));
          }
        }
      } finally {
        await auth.stop();
        await Deno.remove(dataDir, { recursive: true });
      }
    }),
    { numRuns: 15 },
  );
});

Deno.test("scopes are ordered: each reads, admin covers all, ingest and operate do not cover each other", () => {
  for (const scope of scopes) {
    assert.ok(covers(scope, scope) && covers(scope, "read") && covers("admin", scope));
    if (scope !== "admin") assert.ok(!covers(scope, "admin"));
    if (scope !== "read") assert.ok(!covers("read", scope));
  }
  assert.ok(!covers("ingest", "operate") && !covers("operate", "ingest"));
});

const record = (n: number): TokenRecord => ({
  id: n.toString(16).padStart(12, "0"),
  name: `token-${n}`,
  scope: "read",
  sha256: n.toString(16).padStart(64, "0"),
  created_at: "2026-01-01T00:00:00Z",
  created_by: "",
  expires_at: null,
});

Deno.test("changes made at once by several are all kept; past the most that are kept nothing is", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/new/tokens.json`;
  try {
    const add = (n: number) =>
      openTokenFile(path).change((content) => ({
        ...content,
        tokens: [...content.tokens, record(n)],
      }));
    await Promise.all(Array.from({ length: 20 }, (_, n) => add(n)));
    const { tokens } = await openTokenFile(path).read();
    assert.deepEqual(
      tokens.map(({ id }) => id).sort(),
      Array.from({ length: 20 }, (_, n) => record(n).id),
    );
    const before = await Deno.readTextFile(path);
    const many = Array.from({ length: 201 }, (_, n) => record(n));
    await assert.rejects(openTokenFile(path).change((content) => ({ ...content, tokens: many })));
    assert.equal(await Deno.readTextFile(path), before);
    assert.deepEqual([...Deno.readDirSync(`${folder}/new`)].map(({ name }) => name), [
      "tokens.json",
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test({
  name: "a file that root makes in another's folder is that other's",
  ignore: Deno.uid() !== 0,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      await Deno.chown(folder, 65534, 65534);
      const file = openTokenFile(`${folder}/tokens.json`);
      await file.change((content) => ({ ...content, tokens: [record(1)] }));
      assert.equal((await Deno.stat(file.path)).uid, 65534);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("a lock that a dead process left is taken over, a living one is waited for", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/lock`;
  try {
    await Deno.writeTextFile(path, "");
    await Deno.utime(path, new Date(0), new Date(0));
    assert.equal(await withFileLock(path, () => Promise.resolve("in")), "in");
    const order: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const first = withFileLock(path, async () => {
      order.push("first in");
      resolve();
      await new Promise((done) => setTimeout(done, 60));
      order.push("first out");
    });
    await promise;
    await Promise.all([first, withFileLock(path, () => Promise.resolve(order.push("second in")))]);
    assert.deepEqual(order, ["first in", "first out", "second in"]);
    await assert.rejects(withFileLock(path, () => Promise.reject(new Error("inside"))), /inside/);
    assert.equal(await withFileLock(path, () => Promise.resolve("free")), "free");
    await withFileLock(path, () => Deno.writeTextFile(path, "taken over"));
    assert.equal(await Deno.readTextFile(path), "taken over", "another's lock is not removed");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a file that is none of tokens is named, with what to do", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/tokens.json`;
  const wrong = [
    ["{", /tokens.json is not JSON; restore it, or remove it/],
    ["[]", /is not a token file/],
    ['{"version":2,"tokens":[],"uses":{}}', /is not a token file \(version/],
    ['{"version":1,"tokens":[{"id":"x"}],"uses":{}}', /is not a token file \(tokens\.0/],
    [" ".repeat(2 * 1024 * 1024), /over 1 MiB/],
  ] as const;
  try {
    assert.deepEqual(await openTokenFile(path).read(), { version: 1, tokens: [], uses: {} });
    for (const [text, message] of wrong) {
      await Deno.writeTextFile(path, text);
      await assert.rejects(openTokenFile(path).read(), message);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a read of the file that a revocation overtakes does not bring the token back", async () => {
  let content: TokenFileContent = { version: 1, tokens: [], uses: {} };
  let version = 0;
  const [begun, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const file = {
    path: "",
    async read() {
      const found = content;
      begun.resolve();
      await gate.promise;
      return found;
    },
    change(edit: (content: TokenFileContent) => TokenFileContent) {
      content = edit(content);
      version++;
      return Promise.resolve();
    },
    stamp: () => Promise.resolve(String(version)),
  };
  const clock = { now: () => new Date("2026-01-01T00:00:00Z") };
  const tokens = createTokens({ settings: [], file, clock, log });
  const { token, secret } = await tokens.create({
    name: "robot",
    scope: "read",
    expiresAt: null,
    createdBy: "HOLDFAST_TOKEN",
  });
  const reading = tokens.refresh();
  await begun.promise;
  const revoking = tokens.revoke(token.id);
  await Promise.race([revoking, new Promise((done) => setTimeout(done))]);
  gate.resolve();
  await Promise.all([reading, revoking]);
  assert.equal(tokens.find(secret), undefined);
});
