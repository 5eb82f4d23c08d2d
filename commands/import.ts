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
} from "./common/import_words.ts";
import { count, startWatch, stderrProgressBar } from "./common/progress.ts";
import type { CommandContext } from "./serve.ts";

const help =
  `Loads files of ticks, in the order given; run it again after an interruption and it goes on.

  deno task import FILE… [--dry-run] [--preset NAME] [--columns FIELD=COLUMN,…] [--symbol S] …

  FILE                 .csv, .tsv, .txt, .ndjson or .jsonl, each also .gz, or .parquet
  --dry-run            reads and judges everything, stores nothing; exit 1 when a row would be refused
  --assume-utc         takes Parquet timestamps without a zone as UTC (else they are refused)
  -h, --help           this text

How files of another form are read:
  --preset NAME        the form of an exchange or a vendor, see below
  --columns LIST       ts=COLUMN,price=COLUMN,…: by name, or by number from 1; ts=DATE+TIME joins two;
                       buyer_is_maker=COLUMN gives the side. Other columns are left out
  --symbol S           the symbol of every row, where no column has it
  --exchange E         the exchange of every row
  --time-unit U        what numbers in ts count since 1970: s, ms, us or ns
  --time-zone Z        where times without an offset were written: UTC, +05:30, America/New_York
  --date-order O       ymd (as it is without), dmy or mdy
  --header, --no-header  whether the first line of CSV names the columns (else found out)
  --delimiter D        what parts the fields of CSV (else found out): a character, or comma, semicolon, tab, pipe, space
  --decimal comma      decimals of CSV stand behind a comma
  --ignore-unknown     leaves out columns that are no field of a tick

Presets:
${presetNames.map((name) => `  ${name.padEnd(20)} ${presets[name].title}`).join("\n")}

Exit code: 0 when every row was stored, put in quarantine (the last line says so) or skipped as imported before; else 1.

The running Holdfast on HOST:PORT takes them (HOLDFAST_TOKEN where it asks for one); where none answers, the import
runs on its own database. More: docs/import-export.md`;

/** A row's place as people say it. */
const placeName = (file: SourceFile) => file.format === "parquet" ? "row" : "line";

/** What was wrong, and where to look for the rest. */
function* remarks({ file, problems, spoilt, quarantined, refused }: ImportProgress) {
  const name = basename(file.path);
  for (const { place, path, message } of problems) {
    yield `  ${name} ${placeName(file)} ${place}: ${path}: ${message}`;
  }
  if (quarantined + refused > problems.length) {
    yield `  a quarantine entry counts its line within its batch of ${
      count(batchRows)
    } rows; batches with bad rows:`;
    for (const { number, firstPlace, rows } of spoilt) {
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

/** Whether it is the file that is wrong, so that another try would end the same. */
const isFault = (error: unknown) =>
  error instanceof HoldfastError && error.code === "malformed_body";

/** The files that can be opened; the others are named on stderr. */
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

/** `deno task import FILE…`: loads files of ticks, with progress; safe to run again. */
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
    throw new UsageError("--assume-utc and --time-zone: say one of the two");
  }
  const { files, failed } = await openAll(positionals, {
    assumeUtc: values["assume-utc"] === true,
    mapping: readMappingFlags(values),
  });
  const stopped = new AbortController();
  context.runtime.onStopSignal(() => stopped.abort(new Error("stopped by a signal")));
  if (files.length === 0) return 1;
  const wish = { files, named: positionals.length, signal: stopped.signal };
  const refused = await (values["dry-run"] ? dryRun : store)(context, wish);
  return failed + refused > 0 ? 1 : 0;
}

/** Looks all files through before the first row of any is stored; those that cannot be imported are named. */
async function prepareAll(
  files: readonly SourceFile[],
  signal: AbortSignal,
): Promise<PreparedFile[]> {
  const bar = stderrProgressBar();
  const prepared: PreparedFile[] = [];
  for (const file of files) {
    const name = basename(file.path);
    try {
      const onRead = (fraction: number) => bar.draw(name, fraction, "looking it through");
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

/** Imports the files one by one; answers how many went wrong. */
async function store(
  context: CommandContext,
  { files, named, signal }: FilesToRead,
): Promise<number> {
  const prepared = await prepareAll(files, signal);
  const all = { files: 0, rows: 0, stored: 0, quarantined: 0, refused: 0, skipped: 0 };
  const total = startWatch();
  let failed = files.length - prepared.length;
  if (signal.aborted || prepared.length === 0) return Math.max(1, failed);
  const { client, where, close } = await connect(context, { create: true });
  const bar = stderrProgressBar();
  console.error(`Importing ${prepared.length} file(s) into ${where}`);
  try {
    for (const one of prepared) {
      const { file } = one;
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
        const progress = await importPrepared(one, {
          client,
          onProgress: draw,
          onWait: (why) => bar.wait(name, why),
          signal,
        });
        draw(progress, true);
        bar.end();
        console.log(summary(progress, watch()));
        if (one.leftOut.length > 0) console.log(columnsLeftOut(one.leftOut));
        for (const remark of remarks(progress)) console.log(remark);
        all.files++;
        for (const key of ["rows", "stored", "quarantined", "refused", "skipped"] as const) {
          all[key] += progress[key];
        }
        if (progress.refused > 0) failed++;
      } catch (error) {
        bar.end();
        failed++;
        const again = isFault(error) ? "" : "; run the same command again to go on";
        console.error(`${name}: ${messageOf(error)}${again}`);
        if (signal.aborted) break;
      }
    }
  } finally {
    await close();
  }
  if (named > 1) {
    console.log(
      `Total: ${all.files} of ${named} files; ${count(all.stored)} ticks stored; ${
        count(all.quarantined)
      } rows quarantined; ${count(all.refused)} refused; ${count(all.skipped)} skipped; ${
        rowsIn(all.rows, total())
      }`,
    );
  }
  if (all.quarantined > 0) {
    console.log(
      `Not stored, but put in quarantine: ${count(all.quarantined)} rows, see /api/quarantine`,
    );
  }
  return failed;
}
