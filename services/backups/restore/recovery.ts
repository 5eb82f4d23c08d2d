import { readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { startScratch } from "../../../db/backups/cluster.ts";
import type { RunAs } from "../../../db/embedded/command.ts";
import { ownedDirectory, ownedFile } from "../../../db/embedded/files.ts";
import { HoldfastError, messageOf } from "../../../errors.ts";

interface RecoveryOptions {
  pgCtl: string;
  data: string;
  as: RunAs | undefined;
  /** Number of WAL files in the cluster. */
  segments: number;
  /** Undefined: recovers to the end of the WAL. */
  time: Date | undefined;
  /** Whether the WAL includes all that the server has written. */
  live: boolean;
  say: (step: string) => void;
  signal: AbortSignal;
}

const timeoutMs = 24 * 3_600_000;
const beyondEnd = /recovery ended before configured recovery target was reached/;
const recoveryLines =
  /redo done|recovery stopping|last completed transaction|consistent recovery state/;

/** Recovers an unpacked cluster by starting and stopping a server on it. Throws when `time` is beyond the archived WAL. */
export async function recoverCluster(options: RecoveryOptions): Promise<void> {
  const { as, segments, time, live, say } = options;
  const folder = join(tmpdir(), `holdfast-restore-${process.pid}`);
  // All available WAL is in the cluster already: nothing is to be fetched.
  const settings: Record<string, string> = segments > 0 ? { restore_command: "false" } : {};
  say(time ? `recovering to ${time.toISOString()}` : "recovering to the end of the available WAL");
  try {
    await ownedDirectory(folder, 0o700, as);
    await startAndStop(folder, time ? { ...settings, ...targetSettings(time) } : settings, options);
  } catch (error) {
    if (!time || !beyondEnd.test(messageOf(error))) throw error;
    if (!live) {
      throw new HoldfastError(
        "conflict",
        `The available WAL ends before ${time.toISOString()}; without --time the cluster is recovered to its end`,
      );
    }
    say("no transaction was committed after that time: recovering to the end");
    await startAndStop(folder, settings, options);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const targetSettings = (time: Date) => ({
  // Time zone abbreviations, Z among them, are not yet loaded where the server reads this.
  recovery_target_time: time.toISOString().replace("Z", "+00"),
  recovery_target_action: "promote",
});

async function startAndStop(
  folder: string,
  recovery: Record<string, string>,
  { pgCtl, data, as, segments, say, signal }: RecoveryOptions,
): Promise<void> {
  const emptyConf = join(folder, "restore.conf");
  const log = join(folder, "restore.log");
  await ownedFile(emptyConf, "", "write", as);
  // A start that succeeds is enough: nobody has to log in.
  await ownedFile(`${emptyConf}.hba`, "local all all reject\n", "write", as);
  await ownedFile(`${emptyConf}.ident`, "", "write", as);
  if (segments > 0) await ownedFile(join(data, "recovery.signal"), "", "write", as);
  await rm(log, { force: true });
  const server = await startScratch({
    pgCtl,
    data,
    sockets: folder,
    emptyConf,
    log,
    as,
    recovery,
    durable: true,
    timeoutMs,
    signal,
  });
  await server.stop();
  for (const line of (await readFile(log, "utf8")).split("\n")) {
    if (recoveryLines.test(line)) say(`  ${line.replace(/^.*LOG:\s+/, "")}`);
  }
}
