import { basename } from "node:path";
import { HoldfastError, messageOf } from "../errors.ts";
import { batchRows, importFile, type ImportProgress } from "../services/import/importer.ts";
import { openSource, type SourceFile } from "../services/import/source.ts";
import { readArguments, UsageError } from "./arguments.ts";
import { openDoor } from "./door.ts";
import { dryRun, type FilesToRead } from "./dry_run.ts";
import { count, startWatch, stderrProgressBar } from "./progress.ts";
import type { CommandContext } from "./serve.ts";

const help =
  `Loads files of ticks, in the order given; run it again after an interruption and it goes on.

  deno task import FILE… [--dry-run] [--assume-utc]

  FILE           .csv, .ndjson or .jsonl, each also .gz, or .parquet
  --dry-run      reads and judges everything, stores nothing; exit 1 when a row would be refused
  --assume-utc   takes Parquet timestamps without a zone as UTC (else they are refused)
  -h, --help     this text

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
  assumeUtc: boolean,
): Promise<{ files: SourceFile[]; failed: number }> {
  const files: SourceFile[] = [];
  for (const path of paths) {
    try {
      files.push(await openSource(path, { assumeUtc }));
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
  });
  if (values.help) {
    console.log(help);
    return 0;
  }
  if (positionals.length === 0) {
    throw new UsageError("Name the files: deno task import FILE…; see deno task import --help");
  }
  const { files, failed } = await openAll(positionals, values["assume-utc"] === true);
  const stopped = new AbortController();
  context.runtime.onStopSignal(() => stopped.abort(new Error("stopped by a signal")));
  if (files.length === 0) return 1;
  const wish = { files, named: positionals.length, signal: stopped.signal };
  const refused = await (values["dry-run"] ? dryRun : store)(context, wish);
  return failed + refused > 0 ? 1 : 0;
}

/** Imports the files one by one; answers how many went wrong. */
async function store(
  context: CommandContext,
  { files, named, signal }: FilesToRead,
): Promise<number> {
  const door = await openDoor(context, { create: true });
  const bar = stderrProgressBar();
  const all = { files: 0, rows: 0, stored: 0, quarantined: 0, refused: 0, skipped: 0 };
  const total = startWatch();
  let failed = 0;
  console.error(`Importing ${files.length} file(s) into ${door.where}`);
  try {
    for (const file of files) {
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
        const progress = await importFile(file, {
          send: door.send,
          onProgress: draw,
          onWait: (why) => bar.wait(name, why),
          signal,
          headers: door.headers,
        });
        draw(progress, true);
        bar.end();
        console.log(summary(progress, watch()));
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
    await door.close();
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
  return failed;
}
