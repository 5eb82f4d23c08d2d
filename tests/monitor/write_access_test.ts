import assert from "node:assert/strict";
import { sourceOf, type WriteFacts } from "../../db/server/write_state.ts";
import { HoldfastError } from "../../errors.ts";
import { createLogger, type LogFields } from "../../log.ts";
import { createWriteAccess } from "../../services/monitor/write_access/access.ts";
import {
  isOutage,
  notReadyForWrites,
  writeChecks,
} from "../../services/monitor/write_access/health.ts";
import {
  findingOf,
  newSessionsWarning,
  readOnlyDefault,
  standby,
  writable,
} from "../../services/monitor/write_access/state.ts";

const facts = (changes: Partial<WriteFacts> = {}): WriteFacts => ({
  database: "trading",
  role: "holdfast",
  in_recovery: false,
  read_only: true,
  source: "database",
  new_sessions_read_only: null,
  set_for: null,
  ...changes,
});

Deno.test("only the address of a primary is read from its standby", () => {
  const hidden = { receiver: null, sender_host: null, sender_port: null };
  const read = (conninfo: string | null) => sourceOf({ ...hidden, conninfo });
  assert.deepEqual(read("user=rep password='it''s' host=db1 port=5433"), {
    receiver: null,
    host: "db1",
    port: 5433,
    streams: true,
  });
  assert.equal(read("user=rep passhost=x host = '10.0.0.1'").host, "10.0.0.1");
  assert.deepEqual(read(""), { receiver: null, host: null, port: null, streams: false });
  assert.equal(read(null).streams, null);
  assert.deepEqual(
    sourceOf({ receiver: "streaming", sender_host: "db2", sender_port: 5432, conninfo: null }),
    { receiver: "streaming", host: "db2", port: 5432, streams: null },
  );
  assert.match(standby(read("host=db1 port=5433")).reason, /a standby of db1:5433: nothing/);
  assert.match(standby(read("")).reason, /restores WAL from an archive/);
  assert.match(standby(undefined).remedy, /^Write to its primary, or promote/);
});

Deno.test("the origin of a read-only default is named, with the statement that resets it", () => {
  const set = (set_for: WriteFacts["set_for"]) =>
    readOnlyDefault(facts({ new_sessions_read_only: true, set_for }));
  assert.match(set("database").reason, /is on for database trading$/);
  assert.match(set("database").remedy, /begin read write; alter database "trading" reset/);
  assert.match(set("role").remedy, /alter role "holdfast" reset/);
  assert.match(set("role in database").remedy, /alter role "holdfast" in database "trading" reset/);
  assert.match(set("all roles").remedy, /alter role all reset/);
  const server = readOnlyDefault(facts({ source: "configuration file" }));
  assert.match(server.reason, /is on for the whole server$/);
  assert.match(server.remedy, /alter system reset default_transaction_read_only/);
  // Taken back, but the session is an old one: a pooler's.
  assert.match(readOnlyDefault(facts()).remedy, /RECONNECT/);
  assert.match(readOnlyDefault(facts({ source: "client" })).remedy, /DATABASE_URL/);
  assert.equal(newSessionsWarning(facts({ read_only: false })), null);
});

Deno.test("which refused writes concern the whole server, and which do not", () => {
  assert.equal(findingOf("25006", facts())?.cause, "default_transaction_read_only");
  assert.equal(findingOf("53100", facts())?.cause, "disk_full");
  assert.equal(findingOf("54000", facts())?.cause, "out_of_ids");
  for (const state of ["55P03", "42501", "42P01", "40001", ""]) {
    assert.equal(findingOf(state, facts()), undefined, state);
  }
});

Deno.test("a standby is an outage only where Holdfast wrote before", () => {
  let now = 1_000;
  const logs: LogFields[] = [];
  const log = createLogger({ level: "debug", write: (line) => logs.push(JSON.parse(line)) });
  const access = createWriteAccess({ clock: { now: () => new Date(now) }, log });
  const changes: string[] = [];
  access.onChange((after, before) => changes.push(`${before.mode} ${after.mode}`));

  access.note(standby(undefined));
  assert.ok(!isOutage(access.state()));
  assert.equal(notReadyForWrites(access.state()), undefined);
  assert.equal(writeChecks(access.state())[0]?.status, "healthy");
  assert.throws(
    () => access.require(),
    (error) =>
      error instanceof HoldfastError && error.code === "database_read_only" &&
      /is a standby/.test(error.message) && (error.retryAfterSeconds ?? 0) > 0,
  );
  now = 2_000;
  access.note(standby(undefined));
  assert.equal(access.state().since, 1_000, "since when, not when it was last seen");
  access.note(writable());
  access.require();
  assert.deepEqual(writeChecks(access.state()), []);
  now = 3_000;
  access.note(standby(undefined));
  assert.ok(isOutage(access.state()));
  assert.match(notReadyForWrites(access.state()) ?? "", /is a standby/);
  assert.equal(writeChecks(access.state())[0]?.status, "unhealthy");
  access.note(writable("Sessions that begin now cannot write"));
  assert.equal(writeChecks(access.state())[0]?.status, "degraded");
  assert.deepEqual(changes, [
    "writing watch_only",
    "watch_only writing",
    "writing watch_only",
    "watch_only writing",
  ]);
  assert.deepEqual(logs.map(({ level, event }) => `${level} ${event}`), [
    "info watch_only",
    "info writing_again",
    "error writing_ended",
    "info writing_again",
  ]);
});
