import assert from "node:assert/strict";
import { connectSql, type Sql } from "../../db/connection.ts";
import { copyIn, openCopy, textFormat } from "../../db/copy.ts";
import { createEmbeddedServer, type EmbeddedServer } from "../../db/embedded/server.ts";
import { codeOf } from "../../db/errors.ts";
import { createLogger } from "../../log.ts";
import { embeddedPassword } from "../helpers/embedded_url.ts";
import { endsWithin } from "../../lib/deadline.ts";
import { type Proxy, startProxy } from "../helpers/proxy.ts";

let folder = "";
let server: EmbeddedServer;

Deno.test.beforeAll(async () => {
  folder = await Deno.makeTempDir({ prefix: "holdfast-copy-" });
  await Deno.chmod(folder, 0o755);
  server = await createEmbeddedServer({
    dataDir: folder,
    log: createLogger({ level: "error", write: () => {} }),
  });
  await server.start();
});

Deno.test.afterAll(async () => {
  await server.stop();
  await Deno.remove(folder, { recursive: true });
});

const statement = "copy copied from stdin";
const bytes = (text: string) => new TextEncoder().encode(text);
/** Bytes of messages as text, one character each. */
const textOf = (message: Uint8Array) => String.fromCharCode(...message);

/** Waits at most 5 s for `work` to fail, and returns why. */
async function failureOf(work: () => Promise<void>): Promise<unknown> {
  let failure: unknown;
  const failed = work().catch((error) => failure = error);
  assert.ok(await endsWithin(failed, 5_000), "it has ended");
  return failure;
}

/** Runs `work` on one connection through a proxy, which has an empty table `copied`. */
async function connected(
  taps: Parameters<typeof startProxy>[1],
  work: (sql: Sql) => Promise<void>,
): Promise<void> {
  assert.ok(server.target.kind === "socket");
  const proxy: Proxy = startProxy(`${server.target.directory}/.s.PGSQL.5432`, taps);
  const password = embeddedPassword(server.target);
  const sql = connectSql({
    target: {
      kind: "url",
      url: `postgres://postgres:${password}@127.0.0.1:${proxy.port}/holdfast`,
    },
    max: 1,
    applicationName: "copy_test",
    statementTimeoutMs: 5_000,
    lockTimeoutMs: 1_000,
    pooled: false,
  });
  try {
    await sql`create temporary table copied (word text)`;
    await work(sql);
  } finally {
    await sql.end({ timeout: 1 });
    await proxy.stop();
  }
}

/** Runs `work` on one connection, and returns what the client sent. */
async function sentDuring(work: (sql: Sql) => Promise<void>): Promise<string> {
  let sent = "";
  const fromClient = (message: Uint8Array) => {
    sent += textOf(message);
    return message;
  };
  await connected({ fromClient }, work);
  return sent;
}

Deno.test("A COPY that has ended sends nothing more, which would end the COPY after it", async () => {
  const sent = await sentDuring(async (sql) => {
    for (const word of ["one", "two"]) {
      const copy = await openCopy(sql, statement, textFormat);
      await copy.write(bytes(`${word}\n`));
      assert.equal(await copy.end(), 1);
    }
    const rows = await sql`select word from copied order by word`;
    assert.deepEqual(rows.map(({ word }) => word), ["one", "two"]);
  });
  assert.ok(sent.includes("c\0\0\0\x04"), "the proxy has seen the end of the data");
  // A CopyFail: its letter, its length, its reason.
  assert.doesNotMatch(sent, /f\0\0\0.[^\0]*\0/);
});

Deno.test("A COPY that is given up sends why", async () => {
  const sent = await sentDuring(async (sql) => {
    const copy = await openCopy(sql, statement, textFormat);
    await copy.write(bytes("one\n"));
    await copy.abort();
    assert.equal((await sql`select from copied`).length, 0);
  });
  const reason = "Error: given up by the sender\0";
  assert.ok(sent.includes(`f\0\0\0${String.fromCharCode(reason.length + 4)}${reason}`), sent);
});

Deno.test("A COPY that fails in the moment in which it opens throws the server's error", async () => {
  let held: string | undefined;
  let holds = false;
  const taps = {
    /** Withholds the server's messages from the start of the COPY until its error has followed. */
    fromServer(message: Uint8Array) {
      if (!holds) return message;
      held = (held ?? "") + textOf(message);
      if (!held.includes("CP0007") || held.slice(-6, -1) !== "Z\0\0\0\x05") return new Uint8Array();
      holds = false;
      return Uint8Array.from(held, (letter) => letter.charCodeAt(0));
    },
  };
  await connected(taps, async (sql) => {
    await sql`
      create function pg_temp.refuse() returns trigger language plpgsql as
      $$ begin raise 'closed today' using errcode = 'P0007'; end $$`;
    await sql`
      create trigger refuse before insert on copied execute function pg_temp.refuse()`;
    holds = true;
    const failure = await failureOf(async () => {
      const copy = await openCopy(sql, statement, textFormat);
      await copy.write(bytes("one\n"));
      await copy.end();
    });
    assert.equal(codeOf(failure), "P0007");
    assert.match(held ?? "", /^G/, "the error came behind the start of the COPY");
    assert.equal((await sql`select from copied`).length, 0);
  });
});

Deno.test("A statement that takes no data is refused", async () => {
  await connected({}, async (sql) => {
    const failure = await failureOf(() => copyIn(sql, "select 1", bytes("")));
    assert.match(String(failure), /ended before it took data/);
  });
});
