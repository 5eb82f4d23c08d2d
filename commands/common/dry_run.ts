import { basename } from "node:path";
import { messageOf } from "../../errors.ts";
import { type KnownSymbol, listSymbols } from "../../services/transfer/export/reader.ts";
import { judgeFile, type Verdict } from "../../services/transfer/import/dry_run.ts";
import type { SourceFile } from "../../services/transfer/import/source.ts";
import { dayName, formatTimestamp } from "../../services/ingest/timestamp.ts";
import { addressOf, connectToRunning } from "./client.ts";
import { columnsLeftOut, faultLines } from "./import_flags.ts";
import { count, startWatch, stderrProgressBar } from "./progress.ts";
import type { CommandContext } from "../serve.ts";

/** Most entries printed of a list. */
const shown = 10;

/** The symbols of the running Holdfast, or why they are unknown. */
type Known = ReadonlyMap<string, KnownSymbol> | string;

async function askForSymbols(context: CommandContext, signal: AbortSignal): Promise<Known> {
  const running = await connectToRunning(context, { signal, tries: 2, timeoutMs: 10_000 });
  if (!running) return `no Holdfast answers on ${addressOf(context)}`;
  try {
    return await listSymbols(running.client);
  } catch (error) {
    return messageOf(error);
  }
}

function some(names: readonly string[]): string {
  const rest = names.length - shown;
  return names.slice(0, shown).join(", ") + (rest > 0 ? ` and ${count(rest)} more` : "");
}

function* report(verdict: Verdict, known: Known, maxPartitions: number) {
  const { file, rows, ticks, refused, problems, symbols, firstUs, lastUs, days, stops } = verdict;
  const name = basename(file.path);
  yield `${name}: ${count(rows)} rows: ${count(ticks)} ticks, ${count(refused)} refused`;
  if (stops) yield `  ${stops}`;
  if (verdict.leftOut.length > 0) yield columnsLeftOut(verdict.leftOut);
  if (symbols.length > 0) {
    yield `  symbols: ${count(symbols.length)} (${some(symbols)})`;
    if (typeof known === "string") yield `  new symbols: unknown (${known})`;
    else {
      const fresh = symbols.filter((symbol) => !known.has(symbol));
      yield `  new symbols: ${
        fresh.length === 0 ? "none" : `${count(fresh.length)} (${some(fresh)})`
      }`;
    }
  }
  if (firstUs !== undefined && lastUs !== undefined) {
    const names = [...days].sort((a, b) => a - b).map(dayName);
    yield `  time: ${formatTimestamp(firstUs)} to ${formatTimestamp(lastUs)}`;
    yield `  days (a partition each): ${count(days.size)} (${some(names)})`;
    if (days.size > maxPartitions) {
      yield `  that is more than HOLDFAST_MAX_PARTITIONS, ${maxPartitions}`;
    }
  }
  const unit = file.format === "parquet" ? "row" : "line";
  for (const { place, path, message } of problems) {
    yield `  ${name} ${unit} ${place}: ${path}: ${message}`;
  }
  if (refused > problems.length) yield `  and ${count(refused - problems.length)} more`;
}

/** The files of the command line that could be opened. */
export interface FilesToRead {
  files: readonly SourceFile[];
  named: number;
  signal: AbortSignal;
}

/** Checks the files as an import would, stores nothing, and returns how many have refused rows. */
export async function dryRun(
  context: CommandContext,
  { files, named, signal }: FilesToRead,
): Promise<number> {
  const { config } = context;
  const known = await askForSymbols(context, signal);
  const bar = stderrProgressBar();
  const all = { rows: 0, ticks: 0, refused: 0 };
  let read = 0;
  let failed = 0;
  for (const file of files) {
    const name = basename(file.path);
    const watch = startWatch();
    try {
      const verdict = await judgeFile(file, {
        known: typeof known === "string" ? new Map() : known,
        limits: {
          nowUs: Date.now() * 1000,
          futureSeconds: config.HOLDFAST_FUTURE_LIMIT_SECONDS,
          horizonDays: config.HOLDFAST_BACKFILL_HORIZON_DAYS,
          backfill: true,
        },
        maxRows: config.HOLDFAST_INGEST_MAX_ROWS,
        signal,
        onProgress: ({ bytesRead, rows }) =>
          bar.draw(
            name,
            bytesRead / file.bytes,
            `${count(rows)} rows  ${count(rows / watch())} rows/s`,
          ),
      });
      bar.end();
      for (const line of report(verdict, known, config.HOLDFAST_MAX_PARTITIONS)) console.log(line);
      for (const key of ["rows", "ticks", "refused"] as const) all[key] += verdict[key];
      read++;
      if (verdict.refused > 0) failed++;
    } catch (error) {
      bar.end();
      failed++;
      console.error(`${name}: ${faultLines(error)}`);
      if (signal.aborted) break;
    }
  }
  if (named > 1) {
    console.log(
      `Total: ${read} of ${named} files; ${count(all.rows)} rows: ${count(all.ticks)} ticks, ${
        count(all.refused)
      } refused`,
    );
  }
  console.log("Nothing was stored: this was a dry run");
  return failed;
}
