import { connectSql, type Sql } from "../../../db/connection.ts";
import { CopyEncoder } from "../../../db/copy.ts";
import { openTickCopy, type StoredTick } from "../../../db/market/ticks.ts";
import { formatTimestamp } from "../../../services/ingest/timestamp.ts";
import { gzipSync } from "node:zlib";
import type { BenchApp } from "./bench_app.ts";
import { requestBytes, sendAll } from "./clients.ts";
import { csvHeader, type Rows } from "./rows.ts";

/** One way to store the rows; prepared outside the timed part and run repeatedly. */
export interface Arm {
  name: string;
  /** Lowest required ratio to psql; undefined: for comparison only. */
  target: number | undefined;
  run(): Promise<void>;
}

const copyRows = 5_000;
const bodyRows = 20_000;
const smallRows = 100;
const smallClients = 64;
const query = "?create=true&backfill=true";

function slices<T>(items: readonly T[], size: number): T[][] {
  return Array.from(
    { length: Math.ceil(items.length / size) },
    (_, at) => items.slice(at * size, (at + 1) * size),
  );
}

async function psqlArm(app: BenchApp, rows: Rows, ids: Map<string, number>): Promise<Arm> {
  const file = await Deno.makeTempFile({ prefix: "holdfast-bench-", suffix: ".tsv" });
  addEventListener("unload", () => Deno.removeSync(file));
  const text = (value: string | null) => value === null ? "\\N" : value;
  const lines = rows.ticks.map(({ tsUs, symbol, price, size, exchange }) =>
    [formatTimestamp(tsUs), ids.get(symbol), price, size, text(exchange)].join("\t")
  );
  await Deno.writeTextFile(file, `${lines.join("\n")}\n`);
  const command = `\\copy market.ticks (ts, instrument_id, price, size, exchange) from '${file}'`;
  return {
    name: "psql \\copy, text",
    target: undefined,
    async run() {
      const { success, stderr } = await new Deno.Command("psql", {
        args: [...app.psql, "--no-psqlrc", "--quiet", "--command", command],
      }).output();
      if (!success) throw new Error(new TextDecoder().decode(stderr));
    },
  };
}

/** Creates the arm of Holdfast's COPY path: each lane writes its part of the rows in one transaction, as an upload does. */
function copyArm(
  lanes: readonly Sql[],
  rows: Rows,
  ids: Map<string, number>,
  target: number | undefined,
): Arm {
  const ticks = rows.ticks.map((tick): StoredTick => ({
    ...tick,
    instrumentId: ids.get(tick.symbol)!,
  }));
  const stretches = slices(ticks, Math.ceil(ticks.length / lanes.length));
  const encoders = lanes.map(() => [new CopyEncoder(), new CopyEncoder()] as const);
  return {
    name: `COPY path, ${lanes.length} lane${lanes.length > 1 ? "s" : ""}`,
    target,
    async run() {
      await Promise.all(lanes.map(async (sql, lane) => {
        await sql`begin`;
        const copy = await openTickCopy(sql, encoders[lane]!);
        for (const some of slices(stretches[lane]!, copyRows)) await copy.write(some);
        await copy.end();
        await sql`commit`;
      }));
    },
  };
}

function httpArm(
  app: BenchApp,
  rows: Rows,
  { name, target, requests, clients }: {
    name: string;
    target: number | undefined;
    requests: Uint8Array[];
    clients: number;
  },
): Arm {
  return {
    name,
    target,
    async run() {
      const accepted = await sendAll(app.port, requests, clients);
      if (accepted !== rows.ticks.length) throw new Error(`${name}: ${accepted} accepted`);
    },
  };
}

/** Creates every arm on one server, in the order of the table; psql first. */
export async function makeArms(app: BenchApp, rows: Rows): Promise<Arm[]> {
  await app.sql`
    insert into market.instruments (symbol)
    select unnest(${rows.symbols}::text[])`;
  const found = await app.sql<{ id: number; symbol: string }[]>`
    select id, symbol from market.instruments`;
  const ids = new Map(found.map(({ id, symbol }) => [symbol, id]));
  const lanes = Array.from({ length: 2 }, () =>
    connectSql({
      target: app.target,
      max: 1,
      applicationName: "holdfast-bench",
      statementTimeoutMs: 120_000,
      lockTimeoutMs: 10_000,
      pooled: false,
    }));
  const bytes = (lines: readonly string[]) => new TextEncoder().encode(`${lines.join("\n")}\n`);
  const csv = (lines: readonly string[]) =>
    new TextEncoder().encode(`${csvHeader}${lines.join("\n")}\n`);
  const post = (type: string, body: Uint8Array, encoding?: string) =>
    requestBytes({ path: `/api/ticks${query}`, type, body, ...(encoding ? { encoding } : {}) });
  const ndjsonType = "application/x-ndjson";
  const http = (
    name: string,
    target: number | undefined,
    requests: Uint8Array[],
    clients: number,
  ) => httpArm(app, rows, { name, target, requests, clients });
  return [
    await psqlArm(app, rows, ids),
    copyArm(lanes.slice(0, 1), rows, ids, undefined),
    copyArm(lanes, rows, ids, 2),
    http("POST NDJSON, one body", undefined, [post(ndjsonType, bytes(rows.ndjson))], 1),
    http(
      "POST NDJSON, 20,000 rows a body, 2 clients",
      1.25,
      slices(rows.ndjson, bodyRows).map((lines) => post(ndjsonType, bytes(lines))),
      2,
    ),
    http("POST CSV, one body", undefined, [post("text/csv", csv(rows.csv))], 1),
    http(
      "POST CSV, 20,000 rows a body, 2 clients",
      1.25,
      slices(rows.csv, bodyRows).map((lines) => post("text/csv", csv(lines))),
      2,
    ),
    http(
      "POST NDJSON gzip, 20,000 rows a body, 2 clients",
      undefined,
      slices(rows.ndjson, bodyRows).map((lines) =>
        post(ndjsonType, gzipSync(bytes(lines)), "gzip")
      ),
      2,
    ),
    http(
      "POST NDJSON, 100 rows a body, 64 clients",
      0.6,
      slices(rows.ndjson, smallRows).map((lines) => post(ndjsonType, bytes(lines))),
      smallClients,
    ),
  ];
}
