import assert from "node:assert/strict";
import type { RowBatch } from "../../services/ingest/tick.ts";
import type { TestApp } from "./test_app.ts";

/** A tick as the API answers it. */
export interface Tick {
  ts: string;
  symbol: string;
  price: number;
  size: number;
  exchange: string | null;
  side: string | null;
  trade_id: string | null;
}

/** What an upload answers. */
export interface Answer {
  accepted: number;
  quarantined: number;
  replayed: boolean;
  errors?: { line?: number; path: string; message: string }[];
}

export interface ProblemDocument {
  type: string;
  title: string;
  status: number;
  code: string;
  detail: string;
  errors?: { line?: number; path: string; message: string }[];
}

export const types = { json: "application/json", ndjson: "application/x-ndjson", csv: "text/csv" };
export type Format = keyof typeof types;
export const formats: readonly Format[] = ["json", "ndjson", "csv"];

export function tick(fields: Partial<Tick> & Pick<Tick, "ts" | "symbol">): Tick {
  const { ts, symbol, ...rest } = fields;
  return { ts, symbol, price: 10, size: 1, exchange: null, side: null, trade_id: null, ...rest };
}

const header = ["ts", "symbol", "price", "size", "exchange", "side", "trade_id"] as const;

function csvField(value: string | number | null): string {
  const text = value === null ? "" : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Ticks as the body of an upload. */
export function bodyOf(format: Format, ticks: readonly Tick[]): string {
  if (format === "json") return JSON.stringify(ticks);
  if (format === "ndjson") return ticks.map((one) => `${JSON.stringify(one)}\n`).join("");
  const lines = ticks.map((one) => header.map((column) => csvField(one[column])).join(","));
  return `${header.join(",")}\n${lines.join("\n")}\n`;
}

export async function gzip(
  text: string | Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Sends ticks as JSON and answers what the upload answered; throws when it was refused. */
export async function send(
  app: TestApp,
  ticks: readonly Tick[],
  query = "",
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await app.post(`/api/ticks${query}`, ticks, headers);
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  return await response.json();
}

/** Every tick of a symbol, read page by page. */
export async function readTicks(
  app: TestApp,
  symbol: string,
  { limit = 10_000, order = "asc" }: { limit?: number; order?: "asc" | "desc" } = {},
): Promise<Tick[]> {
  const ticks: Tick[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const query = new URLSearchParams({ symbol, limit: String(limit), order });
    if (cursor !== "") query.set("cursor", cursor);
    const page: { ticks: Tick[]; next_cursor: string | null } = await app.json(
      `/api/ticks?${query}`,
    );
    ticks.push(...page.ticks);
    cursor = page.next_cursor;
  }
  return ticks;
}

/** Rows in market.ticks, of one symbol or of all. */
export async function countTicks(app: TestApp, symbol?: string): Promise<number> {
  const [row] = await app.sql<{ count: number }[]>`
    select count(*)::int4 as count
    from market.ticks as t
    ${
    symbol === undefined
      ? app.sql``
      : app.sql`join market.instruments as i on i.id = t.instrument_id where i.symbol = ${symbol}`
  }`;
  return row?.count ?? 0;
}

/** Cuts bytes into chunks of the given sizes, again and again. */
export async function* cut(
  bytes: Uint8Array<ArrayBuffer>,
  sizes: readonly number[],
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let at = 0;
  for (let turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? bytes.length;
    yield bytes.slice(at, at += size);
  }
}

/** Runs a parser to its end. */
export async function gather(batches: AsyncIterable<RowBatch>): Promise<RowBatch> {
  const all: RowBatch = { ticks: [], refusals: [] };
  for await (const { ticks, refusals } of batches) {
    all.ticks.push(...ticks);
    all.refusals.push(...refusals);
  }
  return all;
}

/** The problem document of a refusal; holds that it is one, and gives nothing away. */
export async function problemOf(response: Response): Promise<ProblemDocument> {
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  const problem: ProblemDocument = await response.json();
  assert.equal(problem.status, response.status);
  assert.ok(problem.type && problem.title && problem.code && problem.detail);
  assert.doesNotMatch(JSON.stringify(problem), /\bat .*\.ts|select |insert |postgres/i);
  return problem;
}
