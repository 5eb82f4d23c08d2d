import assert from "node:assert/strict";
import { connectSql } from "../../db/connection.ts";
import {
  type ControlFile,
  crc32c,
  parseControlFile,
  readControlFile,
  recoverySettings,
} from "../../db/backups/control_file.ts";
import { startServer } from "../helpers/server.ts";
import { debianPostgres, testWith } from "../helpers/skip.ts";
import { createDebianServer } from "../helpers/debian.ts";
import postgres from "postgres";

const settings = {
  max_connections: "37",
  max_worker_processes: "11",
  max_wal_senders: "13",
  max_prepared_transactions: "7",
  max_locks_per_transaction: "91",
  track_commit_timestamp: "on",
  wal_level: "logical",
};

const expected: Omit<ControlFile, "systemIdentifier" | "controlVersion"> = {
  walLevel: "logical",
  maxConnections: 37,
  maxWorkerProcesses: 11,
  maxWalSenders: 13,
  maxPreparedTransactions: 7,
  maxLocksPerTransaction: 91,
  trackCommitTimestamp: true,
};

Deno.test("the checksum is CRC-32C", () => {
  assert.equal(crc32c(new TextEncoder().encode("123456789")), 0xe3069283);
});

Deno.test("a control file has the settings that its server reports", async () => {
  const server = await startServer(settings);
  const sql = connectSql({
    target: server.target,
    max: 1,
    applicationName: "test",
    statementTimeoutMs: 10_000,
    lockTimeoutMs: 1_000,
    pooled: false,
  });
  try {
    const [system] = await sql`select system_identifier::text as id, pg_control_version as version
      from pg_control_system()`;
    const found = await readControlFile(server.data);
    assert.deepEqual(found, {
      systemIdentifier: system?.id,
      controlVersion: system?.version,
      ...expected,
    });
    const bytes = await Deno.readFile(`${server.data}/global/pg_control`);
    for (const place of [180, 192, 200]) {
      const damaged = bytes.slice();
      damaged[place]! ^= 1;
      assert.equal(parseControlFile(damaged), undefined, "a wrong checksum is believed in nothing");
    }
    const later = bytes.slice();
    new DataView(later.buffer).setUint32(8, 9_900, true);
    assert.equal(parseControlFile(later), undefined, "a version that is not known yet");
    assert.equal(parseControlFile(bytes.subarray(0, 100)), undefined);
  } finally {
    await sql.end();
    await server.stop();
  }
});

testWith(debianPostgres, "pg_controldata reads the same of Debian's 15", async () => {
  const given = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  const server = await createDebianServer({ settings: given });
  try {
    await server.start();
    const sql = postgres(server.url, { max: 1 });
    const [row] = await sql`select setting as data from pg_settings where name = 'data_directory'`;
    await sql.end();
    const { stdout } = await new Deno.Command(`${debianPostgres.bin}/pg_controldata`, {
      args: [row?.data],
      env: { LC_ALL: "C" },
    }).output();
    const said = new TextDecoder().decode(stdout);
    const value = (name: string) =>
      said.split("\n").find((line) => line.startsWith(`${name}:`))?.slice(name.length + 1).trim();
    const found = await readControlFile(row?.data);
    assert.deepEqual(found, {
      systemIdentifier: value("Database system identifier"),
      controlVersion: Number(value("pg_control version number")),
      walLevel: value("wal_level setting"),
      maxConnections: Number(value("max_connections setting")),
      maxWorkerProcesses: Number(value("max_worker_processes setting")),
      maxWalSenders: Number(value("max_wal_senders setting")),
      maxPreparedTransactions: Number(value("max_prepared_xacts setting")),
      maxLocksPerTransaction: Number(value("max_locks_per_xact setting")),
      trackCommitTimestamp: value("track_commit_timestamp setting") === "on",
    });
    assert.equal(found?.maxPreparedTransactions, 7);
  } finally {
    await server.remove();
  }
});

Deno.test("recovery gets the control file's lower bounds, or defaults where it cannot be read", () => {
  const control = { systemIdentifier: "1", controlVersion: 1800, ...expected };
  assert.deepEqual(recoverySettings(control), {
    max_connections: "37",
    max_worker_processes: "11",
    max_wal_senders: "13",
    max_prepared_transactions: "7",
    max_locks_per_transaction: "91",
    track_commit_timestamp: "on",
    wal_level: "logical",
  });
  assert.deepEqual(recoverySettings(undefined), {
    max_connections: "20",
    max_worker_processes: "8",
    max_wal_senders: "10",
    max_prepared_transactions: "0",
    max_locks_per_transaction: "64",
  });
});
