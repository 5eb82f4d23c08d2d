import { basename } from "node:path";
import { HoldfastError, messageOf } from "../errors.ts";
import {
  batchRows,
  importPrepared,
  type ImportProgress,
} from "../services/transfer/import/importer.ts";
import { type PreparedFile, prepareFile } from "../services/transfer/import/prepare.ts";
import { openSource, type SourceFile } from "../services/transfer/import/source.ts";
import { presetNames, presets } from "../services/ingest/parse/mapping/presets.ts";
import { readArguments, UsageError } from "./common/arguments.ts";
import { connect } from "./common/client.ts";
import { dryRun, type FilesToRead } from "./common/dry_run.ts";
import {
  columnsLeftOut,
  faultLines,
  mappingFlags,
  readMappingFlags,
} from "./common/import_flags.ts";
import { count, type ProgressBar, startWatch, stderrProgressBar } from "./common/progress.ts";
import type { CommandContext } from "./serve.ts";

const help =
  `Loads files of ticks in the order given. Run it again after an interruption to continue.

  deno task import FILE… [--dry-run] [--preset NAME] [--columns FIELD=COLUMN,…] [--symbol S] …

  FILE                 .csv, .tsv, .txt, .ndjson or .jsonl, each also .gz, or .parquet
  --dry-run            checks every row and stores nothing; exit code 1 when a row would be refused
  --assume-utc         reads Parquet timestamps without a zone as UTC (refused otherwise)
  -h, --help           this text

How to read files of another format:
  --preset NAME        the format of an exchange or a vendor, see below
  --columns LIST       ts=COLUMN,price=COLUMN,…: by name, or by number from 1; ts=DATE+TIME joins two;
                       buyer_is_maker=COLUMN gives the side. Other columns are ignored
  --symbol S           the symbol of every row, when no column holds it
  --exchange E         the exchange of every row
  --time-unit U        the unit of numbers in ts, counted from 1970: s, ms, us or ns
  --time-zone Z        the zone of times without an offset: UTC, +05:30, America/New_York
  --date-order O       ymd (default), dmy or mdy
  --header, --no-header  whether the first line of CSV names the columns (detected by default)
  --delimiter D        the separator of CSV fields (detected by default): a character, or comma, semicolon, tab, pipe, space
  --decimal comma      the decimal mark of CSV is a comma
  --ignore-unknown     ignores columns that are not a field of a tick

Presets:
${presetNames.map((name) => `  ${name.padEnd(20)} ${presets[name].title}`).join("\n")}

Exit code: 0 when every row was stored, quarantined (see the last line) or skipped as imported before; otherwise 1.

The Holdfast that runs on HOST:PORT stores them (with HOLDFAST_TOKEN when it requires one). When none answers, the
import uses the database directly. See docs/import-export.md`;

/** The word for the place of a row in a file. */
const placeName = (file: SourceFile) => file.format === "parquet" ? "row" : "line";

/** Yields lines on refused rows and on where the others are. */
function* remarks({ file, problems, faulty, quarantined, refused }: ImportProgress) {
  const name = basename(file.path);
  for (const { place, path, message } of problems) {
    yield `  ${name} ${placeName(file)} ${place}: ${path}: ${message}`;
  }
  if (quarantined + refused > problems.length) {
    yield `  a quarantine entry counts its line within its batch of ${
      count(batchRows)
    } rows; batches with bad rows:`;
    for (const { number, firstPlace, rows } of faulty) {
      yield `  batch ${number}, from ${placeName(file)} ${firstPlace} on: ${count(rows)} rows`;
    }
  }
}

const rowsIn = (rows: number, seconds: number) =>
  `${count(rows)} rows in ${seconds.toFixed(1)} s (${count(rows / seconds)} rows/s)`;

function summary(progress: ImportProgress, seconds: number): string {
  const { file, rows, stored, skipped, quarantined, refused, refusal } = progress;
  return [
    `${basename(file.path)}: ${count(stored)} ticks stored`,
    ...(quarantined > 0 ? [`${count(quarantined)} rows quarantined (see /api/quarantine)`] : []),
    ...(refused > 0 ? [`${count(refused)} rows refused (${refusal})`] : []),
    ...(skipped > 0 ? [`${count(skipped)} rows skipped: this file was imported before`] : []),
    rowsIn(rows, seconds),
  ].join("; ");
}

/** Says whether the file itself is at fault, so that another attempt would fail too. */
const isFault = (error: unknown) =>
  error instanceof HoldfastError && error.code === "malformed_body";

/** Opens the files; prints the errors of those that cannot be opened. */
async function openAll(
  paths: readonly string[],
  options: Parameters<typeof openSource>[1],
): Promise<{ files: SourceFile[]; failed: number }> {
  const files: SourceFile[] = [];
  for (const path of paths) {
    try {
      files.push(await openSource(path, options));
    } catch (error) {
      console.error(messageOf(error));
    }
  }
  return { files, failed: paths.length - files.length };
}

/** Runs `deno task import FILE…`: loads files of ticks with progress; safe to run again. */
export async function importFiles(context: CommandContext, args: string[]): Promise<number> {
  const { values, positionals } = readArguments("import", args, {
    "dry-run": { type: "boolean" },
    "assume-utc": { type: "boolean" },
    ...mappingFlags,
  });
  if (values.help) {
    console.log(help);
    return 0;
  }
  if (positionals.length === 0) {
    throw new UsageError("Name the files: deno task import FILE…; see deno task import --help");
  }
  if (values["assume-utc"] && values["time-zone"] !== undefined) {
    throw new UsageError("Give only one of --assume-utc and --time-zone");
  }
  const { files, failed } = await openAll(positionals, {
    assumeUtc: values["assume-utc"] === true,
    mapping: readMappingFlags(values),
  });
  const stopped = new AbortController();
  context.runtime.onStopSignal(() => stopped.abort(new Error("stopped by a signal")));
  if (files.length === 0) return 1;
  const request = { files, named: positionals.length, signal: stopped.signal };
  const refused = await (values["dry-run"] ? dryRun : store)(context, request);
  return failed + refused > 0 ? 1 : 0;
}

/** Checks all files before the first row is stored; prints the errors of those that cannot be imported. */
async function prepareAll(
  files: readonly SourceFile[],
  signal: AbortSignal,
): Promise<PreparedFile[]> {
  const bar = stderrProgressBar();
  const prepared: PreparedFile[] = [];
  for (const file of files) {
    const name = basename(file.path);
    try {
      const onRead = (fraction: number) => bar.draw(name, fraction, "checking");
      prepared.push(await prepareFile(file, { signal, onRead }));
      bar.end();
    } catch (error) {
      bar.end();
      console.error(`${name}: ${faultLines(error)}`);
      if (signal.aborted) break;
    }
  }
  return prepared;
}

const counted = ["rows", "stored", "quarantined", "refused", "skipped"] as const;
type Totals = Record<"files" | typeof counted[number], number>;

/** Imports one file with a progress bar and prints its summary. Throws what ended the import. */
async function storeFile(
  prepared: PreparedFile,
  { client, bar, signal }: {
    client: Parameters<typeof importPrepared>[1]["client"];
    bar: ProgressBar;
    signal: AbortSignal;
  },
): Promise<ImportProgress> {
  const { file, leftOut } = prepared;
  const name = basename(file.path);
  const watch = startWatch();
  const draw = (progress: ImportProgress, force = false) =>
    bar.draw(
      name,
      file.bytes === 0 ? 1 : progress.bytesRead / file.bytes,
      `${count(progress.rows)} rows  ${count(progress.rows / watch())} rows/s`,
      force,
    );
  try {
    const progress = await importPrepared(prepared, {
      client,
      onProgress: draw,
      onWait: (why) => bar.wait(name, why),
      signal,
    });
    draw(progress, true);
    bar.end();
    console.log(summary(progress, watch()));
    if (leftOut.length > 0) console.log(columnsLeftOut(leftOut));
    for (const remark of remarks(progress)) console.log(remark);
    return progress;
  } catch (error) {
    bar.end();
    throw error;
  }
}

function printTotals(all: Totals, named: number, seconds: number): void {
  if (named > 1) {
    console.log(
      `Total: ${all.files} of ${named} files; ${count(all.stored)} ticks stored; ${
        count(all.quarantined)
      } rows quarantined; ${count(all.refused)} refused; ${count(all.skipped)} skipped; ${
        rowsIn(all.rows, seconds)
      }`,
    );
  }
  if (all.quarantined > 0) {
    console.log(
      `Not stored, but put in quarantine: ${count(all.quarantined)} rows, see /api/quarantine`,
    );
  }
}

/** Imports the files one by one and returns how many failed. */
async function store(
  context: CommandContext,
  { files, named, signal }: FilesToRead,
): Promise<number> {
  const prepared = await prepareAll(files, signal);
  const all: Totals = { files: 0, rows: 0, stored: 0, quarantined: 0, refused: 0, skipped: 0 };
  const total = startWatch();
  let failed = files.length - prepared.length;
  if (signal.aborted || prepared.length === 0) return Math.max(1, failed);
  const { client, where, close } = await connect(context, { create: true });
  const bar = stderrProgressBar();
  console.error(`Importing ${prepared.length} file(s) into ${where}`);
  try {
    for (const one of prepared) {
      try {
        const progress = await storeFile(one, { client, bar, signal });
        all.files++;
        for (const key of counted) all[key] += progress[key];
        if (progress.refused > 0) failed++;
      } catch (error) {
        failed++;
        const again = isFault(error) ? "" : "; run the same command again to continue";
        console.error(`${basename(one.file.path)}: ${messageOf(error)}${again}`);
        if (signal.aborted) break;
      }
    }
  } finally {
    await close();
  }
  printTotals(all, named, total());
  return failed;
}
