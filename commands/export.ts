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
import { whyNotWritable, writeToStdout, writeWhole } from "../services/transfer/export/target.ts";
import { parseTimestamp } from "../services/ingest/timestamp.ts";
import { readArguments, UsageError } from "./common/arguments.ts";
import { connect } from "./common/client.ts";
import { count, startWatch, stderrProgressBar } from "./common/progress.ts";
import type { CommandContext } from "./serve.ts";

const help = `Writes ticks to a file that deno task import reads back.

  deno task export --out FILE [--format csv|ndjson|parquet] [--symbol SPY,IBM] [--from T] [--to T] [--gzip] [--force]

  --out FILE     where to; - is standard output (CSV and NDJSON)
  --format       csv, ndjson or parquet; else by FILE's name
  --symbol       these symbols, in this order; else all there are, by name, deleted ones too
  --from, --to   RFC 3339 times such as 2026-01-31T09:30:00Z; from is included, to is not
  --gzip         compresses CSV and NDJSON; a name in .gz says so too
  --force        replaces FILE if it is there
  -h, --help     this text

From the running Holdfast on HOST:PORT (HOLDFAST_TOKEN where it asks for one), else from its own database. Ordered by
symbol, then by time, then by arrival. More: docs/import-export.md`;

const formats: Record<string, ExportFormat> = {
  csv: "csv",
  ndjson: "ndjson",
  jsonl: "ndjson",
  parquet: "parquet",
};
const tries = 40;
const answerMs = 120_000;

interface Wish extends ExportRange {
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
      ? "Say --format csv, ndjson or parquet, or let the name of --out end so"
      : `--format is ${JSON.stringify(given)}; allowed: csv, ndjson, parquet`,
  );
}

/** Reads what is wanted; undefined when it is the help. */
function readWish(args: string[]): Wish | undefined {
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
  if (!out) throw new UsageError("Say where to with --out FILE; see deno task export --help");
  const format = formatOf(values.format, out);
  const named = /\.gz$/i.test(out);
  const gzip = values.gzip === true || named;
  if (format === "parquet" && (gzip || out === "-")) {
    throw new UsageError(
      gzip
        ? "Parquet is compressed within: leave --gzip and .gz out"
        : "Parquet needs a file: --out cannot be -",
    );
  }
  if (gzip && !named && out !== "-") {
    throw new UsageError(
      "Compressed, the name of --out must end in .gz, or import could not read it",
    );
  }
  const symbols = values.symbol?.flatMap((list) => list.split(",")).filter((one) => one !== "");
  if (symbols?.length === 0) throw new UsageError("--symbol names no symbol");
  const wish: Wish = {
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
  return wish;
}

/** All symbols by name. Of several instruments with one symbol, Holdfast shows the living one, or the last. */
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

/** `deno task export`: writes ticks as CSV, NDJSON or Parquet, a file whole or not at all. */
export async function exportTicks(context: CommandContext, args: string[]): Promise<number> {
  const wish = readWish(args);
  if (!wish) {
    console.log(help);
    return 0;
  }
  const { out, force } = wish;
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
    const symbols = wish.symbols ?? await allSymbols(client);
    const chunks = encoders[wish.format](counted(readTicks(client, symbols, wish)));
    const options = { gzip: wish.gzip, signal };
    const bytes = toStdout
      ? await writeToStdout(chunks, options)
      : await writeWhole(out, chunks, { ...options, force });
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
      `${label}: ${reason}; ${toStdout ? "it was cut short" : "nothing is left of it"}`,
    );
    return 1;
  } finally {
    await close();
  }
}
