import { basename } from "node:path";
import { createHoldfast } from "../compose.ts";
import { messageOf, StartError } from "../errors.ts";
import { createLogger } from "../log.ts";
import { importFile, type ImportProgress, type Send } from "../services/import/importer.ts";
import { openSource } from "../services/import/source.ts";
import { stderrProgressBar } from "./progress.ts";
import { type CommandContext, lockDataDir } from "./serve.ts";

interface Door {
  send: Send;
  where: string;
  close(): Promise<void>;
}

/** A running Holdfast on HOST:PORT, if one answers. */
async function knock({ config }: CommandContext): Promise<Door | undefined> {
  const host = config.HOST.includes(":") ? `[${config.HOST}]` : config.HOST;
  const base = `http://${host}:${config.PORT}`;
  try {
    const response = await fetch(`${base}/api/health/live`, { signal: AbortSignal.timeout(2_000) });
    const body = await response.json();
    if (body?.status !== "alive") return undefined;
  } catch {
    return undefined;
  }
  return { send: (path, init) => fetch(base + path, init), where: base, close: async () => {} };
}

/** This process as its own Holdfast, without a port. */
async function openHouse(context: CommandContext): Promise<Door> {
  const lock = await lockDataDir(context);
  const log = createLogger({
    level: context.config.LOG_LEVEL === "debug" ? "debug" : "warn",
    write: (line) => console.error(line),
  });
  const holdfast = await createHoldfast({ ...context, log });
  const close = async () => {
    await holdfast.stop();
    await lock?.release();
  };
  try {
    await holdfast.start();
  } catch (error) {
    await close();
    throw error;
  }
  const base = `http://127.0.0.1:${context.config.PORT}`;
  return {
    send: async (path, init) => await holdfast.handle(new Request(base + path, init)),
    where: "its own database",
    close,
  };
}

const count = (value: number) => Math.round(value).toLocaleString("en-US");

function summary(progress: ImportProgress, seconds: number): string {
  const { file, rows, stored, skipped, quarantined, refused, refusal } = progress;
  return [
    `${basename(file.path)}: ${count(stored)} ticks stored`,
    ...(quarantined > 0 ? [`${count(quarantined)} rows quarantined (see /api/quarantine)`] : []),
    ...(refused > 0 ? [`${count(refused)} rows refused (${refusal})`] : []),
    ...(skipped > 0 ? [`${count(skipped)} rows skipped: this file was imported before`] : []),
    `${count(rows)} rows in ${seconds.toFixed(1)} s (${count(rows / seconds)} rows/s)`,
  ].join("; ");
}

/** `deno task import FILE…`: loads files of ticks, with progress; safe to run again. */
export async function importFiles(context: CommandContext, args: string[]): Promise<number> {
  if (args.length === 0 || args.some((arg) => arg.startsWith("-"))) {
    throw new StartError(
      "Name the files: deno task import FILE… (.csv, .ndjson, .jsonl, each also .gz)",
    );
  }
  const files = await Promise.all(args.map(openSource));
  const stopped = new AbortController();
  context.runtime.onStopSignal(() => stopped.abort(new Error("stopped by a signal")));
  const door = await knock(context) ?? await openHouse(context);
  const bar = stderrProgressBar();
  const token = context.config.HOLDFAST_TOKEN;
  let failed = 0;
  console.error(`Importing ${files.length} file(s) into ${door.where}`);
  try {
    for (const file of files) {
      const started = performance.now();
      const seconds = () => Math.max(0.001, (performance.now() - started) / 1000);
      const draw = (progress: ImportProgress, force = false) =>
        bar.draw(
          basename(file.path),
          file.bytes === 0 ? 1 : progress.bytesRead / file.bytes,
          `${count(progress.rows)} rows  ${count(progress.rows / seconds())} rows/s`,
          force,
        );
      try {
        const progress = await importFile(file, {
          send: door.send,
          onProgress: draw,
          signal: stopped.signal,
          headers: token ? { authorization: `Bearer ${token}` } : {},
        });
        draw(progress, true);
        bar.end();
        console.log(summary(progress, seconds()));
        if (progress.refused > 0) failed++;
      } catch (error) {
        bar.end();
        failed++;
        console.error(
          `${basename(file.path)}: ${messageOf(error)}; run the same command again to go on`,
        );
        if (stopped.signal.aborted) break;
      }
    }
  } finally {
    await door.close();
  }
  return failed > 0 ? 1 : 0;
}
