import { basename } from "node:path";
import type { Client } from "../client/client.ts";
import { messageOf } from "../errors.ts";
import { encoders, type ExportFormat } from "../services/transfer/export/encode.ts";
import {
  type ExportedTick,
  type ExportRange,
  listSymbols,
  readTicks,
} from "../services/transfer/export/reader.ts";
import { whyNotWritable, writeFile, writeToStdout } from "../services/transfer/export/target.ts";
import { parseTimestamp } from "../services/ingest/timestamp.ts";
import { readArguments, UsageError } from "./common/arguments.ts";
import { connect } from "./common/client.ts";
import { count, startWatch, stderrProgressBar } from "./common/progress.ts";
import type { CommandContext } from "./serve.ts";

const help = `Writes ticks to a file that deno task import can read.

  deno task export --out FILE [--format csv|ndjson|parquet] [--symbol SPY,IBM] [--from T] [--to T] [--gzip] [--force]

  --out FILE     the file; - is standard output (CSV and NDJSON)
  --format       csv, ndjson or parquet; by default from FILE's name
  --symbol       these symbols, in this order; by default all by name, deleted ones included
  --from, --to   RFC 3339 times such as 2026-01-31T09:30:00Z; from is included, to is not
  --gzip         compresses CSV and NDJSON; the default for a name in .gz
  --force        replaces FILE if it exists
  -h, --help     this text

Reads from the Holdfast that runs on HOST:PORT (with HOLDFAST_TOKEN when it requires one). When none answers, it reads the
database directly. Ticks are ordered by symbol, time and arrival. See docs/import-export.md`;

const formats: Record<string, ExportFormat> = {
  csv: "csv",
  ndjson: "ndjson",
  jsonl: "ndjson",
  parquet: "parquet",
};
const tries = 40;
const answerMs = 120_000;

interface ExportRequest extends ExportRange {
  out: string;
  format: ExportFormat;
  gzip: boolean;
  force: boolean;
  symbols: string[] | undefined;
}

function timeOf(flag: string, text: string | undefined): string | undefined {
  if (text !== undefined && Number.isNaN(parseTimestamp(text))) {
    throw new UsageError(
      `--${flag} is ${
        JSON.stringify(text)
      }; it must be an RFC 3339 time such as 2026-01-31T09:30:00Z`,
    );
  }
  return text;
}

function formatOf(given: string | undefined, out: string): ExportFormat {
  const name = given ?? out.replace(/\.gz$/i, "").split(".").pop()?.toLowerCase() ?? "";
  const format = formats[name];
  if (format) return format;
  throw new UsageError(
    given === undefined
      ? "Give --format csv, ndjson or parquet, or a name with that extension to --out"
      : `--format is ${JSON.stringify(given)}; allowed: csv, ndjson, parquet`,
  );
}

/** Reads the arguments; undefined for --help. Throws a UsageError. */
function readFlags(args: string[]): ExportRequest | undefined {
  const { values, positionals } = readArguments("export", args, {
    out: { type: "string" },
    format: { type: "string" },
    symbol: { type: "string", multiple: true },
    from: { type: "string" },
    to: { type: "string" },
    gzip: { type: "boolean" },
    force: { type: "boolean" },
  });
  if (values.help) return undefined;
  const { out, from, to } = values;
  if (positionals.length > 0) {
    throw new UsageError(
      `Unexpected argument ${JSON.stringify(positionals[0])}; see deno task export --help`,
    );
  }
  if (!out) throw new UsageError("Name the file with --out FILE; see deno task export --help");
  const format = formatOf(values.format, out);
  const named = /\.gz$/i.test(out);
  const gzip = values.gzip === true || named;
  if (format === "parquet" && (gzip || out === "-")) {
    throw new UsageError(
      gzip
        ? "Parquet is compressed already: omit --gzip and .gz"
        : "Parquet needs a file: --out cannot be -",
    );
  }
  if (gzip && !named && out !== "-") {
    throw new UsageError(
      "With --gzip the name of --out must end in .gz, so that import can read it",
    );
  }
  const symbols = values.symbol?.flatMap((list) => list.split(",")).filter((one) => one !== "");
  if (symbols?.length === 0) throw new UsageError("--symbol names no symbol");
  const request: ExportRequest = {
    out,
    format,
    gzip,
    force: values.force === true,
    symbols: symbols && [...new Set(symbols)],
    from: timeOf("from", from),
    to: timeOf("to", to),
  };
  if (from && to && parseTimestamp(from) >= parseTimestamp(to)) {
    throw new UsageError("--from must be before --to");
  }
  return request;
}

/** Returns all symbols by name. Of several instruments with one symbol, the API shows the one not deleted, else the last. */
async function allSymbols(client: Client): Promise<string[]> {
  const symbols = await listSymbols(client);
  for (const [symbol, { living, deleted }] of symbols) {
    if (living + deleted > 1) {
      console.error(
        `${symbol}: deleted instruments that had this symbol before are not in the export`,
      );
    }
  }
  return [...symbols.keys()].sort();
}

/** Runs `deno task export`: writes ticks as CSV, NDJSON or Parquet, a complete file or none. */
export async function exportTicks(context: CommandContext, args: string[]): Promise<number> {
  const request = readFlags(args);
  if (!request) {
    console.log(help);
    return 0;
  }
  const { out, force } = request;
  const toStdout = out === "-";
  const why = toStdout ? undefined : await whyNotWritable(out, force);
  if (why) throw new UsageError(`Cannot write ${out}: ${why}`);
  const stopped = new AbortController();
  context.runtime.onStopSignal(() => stopped.abort(new Error("stopped by a signal")));
  const { signal } = stopped;
  const bar = stderrProgressBar();
  const label = toStdout ? "export" : basename(out);
  const { client, where, close } = await connect(context, {
    create: false,
    reads: true,
    signal,
    tries,
    timeoutMs: answerMs,
    onWait: (reason) => bar.wait(label, reason),
  });
  const watch = startWatch();
  let written = 0;

  async function* counted(pages: AsyncIterable<ExportedTick[]>): AsyncGenerator<ExportedTick[]> {
    for await (const ticks of pages) {
      written += ticks.length;
      const { symbol, ts } = ticks[ticks.length - 1] ?? { symbol: "", ts: "" };
      bar.draw(
        label,
        undefined,
        `${count(written)} ticks  ${count(written / watch())} ticks/s  ${symbol} ${ts}`,
      );
      yield ticks;
    }
  }

  try {
    console.error(`Exporting from ${where}`);
    const symbols = request.symbols ?? await allSymbols(client);
    const chunks = encoders[request.format](counted(readTicks(client, symbols, request)));
    const options = { gzip: request.gzip, signal };
    const bytes = toStdout
      ? await writeToStdout(chunks, options)
      : await writeFile(out, chunks, { ...options, force });
    bar.end();
    const seconds = watch();
    console[toStdout ? "error" : "log"](
      `${label}: ${count(written)} ticks of ${count(symbols.length)} symbols${
        bytes === undefined ? "" : `, ${count(bytes)} bytes`
      } in ${seconds.toFixed(1)} s (${count(written / seconds)} ticks/s)`,
    );
    return 0;
  } catch (error) {
    bar.end();
    const reason = messageOf(signal.aborted ? signal.reason : error);
    console.error(
      `${label}: ${reason}; ${toStdout ? "the output is incomplete" : "no file was written"}`,
    );
    return 1;
  } finally {
    await close();
  }
}
