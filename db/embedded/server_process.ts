import { existsSync, statSync } from "node:fs";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { StartError } from "../../errors.ts";
import { backoffMs } from "../../lib/backoff.ts";
import type { Logger } from "../../log.ts";
import { oneLine } from "./cluster.ts";
import { type RunAs, runCommand } from "./command.ts";
import { isDiskFull, noSpace } from "./files.ts";
import type { Place } from "./place.ts";
import { askPresence, killServer, provenProcesses, readPid } from "./postmaster.ts";
import { whyItDoesNotStart } from "./start_failure.ts";

const startAttemptsMax = 8;
const startRetry = { firstMs: 250, maxMs: 2_000 };
const logBytesMax = 64 * 1024;
/** Longest that a server may take, on a busy machine, from pg_ctl until it listens; milliseconds. */
const launchMsMax = 10_000;

/** Returns a log's text from a byte on, at most its last 64 KiB. */
async function readFrom(path: string, start: number): Promise<string> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const from = Math.max(start, size - logBytesMax);
    const bytes = new Uint8Array(Math.max(0, size - from));
    const { bytesRead } = await file.read(bytes, 0, bytes.length, from);
    return new TextDecoder().decode(bytes.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}

/** The postmaster of one cluster: starts, finds and stops it with pg_ctl. The files of the cluster must exist. */
export class ServerProcess {
  readonly #place: Place;
  readonly #program: string;
  readonly #as: RunAs | undefined;
  readonly #log: Logger;
  readonly #pidFile: string;
  /** Whether pg_ctl is starting the server now. */
  #launching = false;
  /** Whether it was told to stop since the last start began: a start under way launches nothing any more. */
  #ending = false;

  constructor(
    { place, pgCtl, as, log }: { place: Place; pgCtl: string; as: RunAs | undefined; log: Logger },
  ) {
    this.#place = place;
    this.#program = pgCtl;
    this.#as = as;
    this.#log = log;
    this.#pidFile = join(place.cluster, "postmaster.pid");
  }

  /** Allows a start again after a stop; a stop that comes later, while files are prepared, still prevents it. */
  allowStart(): void {
    this.#ending = false;
  }

  async isRunning(): Promise<boolean> {
    return existsSync(this.#pidFile) && await askPresence(this.#place, 1_000) !== "none";
  }

  /** Returns whether the server has answered nothing for nine seconds; during recovery a server answers. */
  async isFrozen(): Promise<boolean> {
    for (let attempt = 0; attempt < 3; attempt++) {
      if (await askPresence(this.#place, 3_000) !== "silent") return false;
    }
    return true;
  }

  /** Starts the server. Throws a StartError that says why it does not start, or `storage_full`. */
  async start(): Promise<void> {
    const { log } = this.#place;
    let last = "";
    await this.#dropStalePid();
    for (let attempt = 0; attempt < startAttemptsMax; attempt++) {
      const before = statSync(log).size;
      const { code, output } = await this.#launch();
      if (code === 0 || await this.isRunning()) return;
      last = oneLine(output).slice(-300);
      if (await isDiskFull(this.#place, this.#as)) throw noSpace();
      const why = whyItDoesNotStart(await readFrom(log, before), this.#place);
      // The children of a killed server may hold its shared memory for a moment.
      const mayPass = /still runs/.test(why ?? "") && attempt < startAttemptsMax - 1;
      if (why !== undefined && !mayPass) throw new StartError(why);
      await delay(backoffMs(attempt + 1, startRetry));
    }
    const tail = (await readFrom(log, 0)).trim().split("\n").slice(-3).join(" | ");
    throw new StartError(`The embedded Postgres does not start: ${last} (log: ${tail})`);
  }

  /** Makes the server read its settings and pg_hba.conf again. */
  async reload(): Promise<void> {
    await this.#pgCtl(["reload"], 10_000);
  }

  /** Kills a server that does not answer; its next start recovers what was committed. */
  async kill(): Promise<void> {
    this.#log.warn("embedded_postgres_killed", {
      detail: "it answered nothing; its next start recovers what was committed",
    });
    await killServer({ place: this.#place, pgCtl: this.#program, as: this.#as });
  }

  /** Stops it fast: sessions end, everything is flushed. After 30 seconds stops it immediately, and at last kills it. */
  async stop(): Promise<void> {
    this.#ending = true;
    const presence = await this.#presenceOnceLaunched(1_000);
    if (presence === "none") return;
    if (presence === "silent") return await this.kill();
    if ((await provenProcesses(this.#place)).length === 0) {
      const detail = `${this.#pidFile} names another program`;
      this.#log.error("embedded_postgres_left", { detail });
      return;
    }
    // pg_ctl does not wait: it would wait for a server that is frozen meanwhile.
    await this.#pgCtl(["stop", "--mode", "fast", "--no-wait"], 10_000);
    if (await this.#untilGone(30_000)) return;
    this.#log.warn("embedded_postgres_stop_immediate", { directory: this.#place.cluster });
    await this.#pgCtl(["stop", "--mode", "immediate", "--no-wait"], 5_000).catch(() => {});
    if (!await this.#untilGone(6_000)) await this.kill();
  }

  /** Stops it immediately, within two seconds of its listening, and lets nothing start it again. */
  async stopNow(): Promise<void> {
    this.#ending = true;
    const presence = await this.#presenceOnceLaunched(200);
    if (presence === "none") return;
    if (presence === "silent") return await this.kill();
    if ((await provenProcesses(this.#place)).length === 0) return;
    await this.#pgCtl(["stop", "--mode", "immediate", "--no-wait"], 1_000).catch(() => {});
    await this.#untilGone(1_000);
  }

  /** Returns how the server answers. One that is being launched and does not listen yet is waited for: it would be left. */
  async #presenceOnceLaunched(timeoutMs: number): ReturnType<typeof askPresence> {
    const until = performance.now() + launchMsMax;
    for (;;) {
      const presence = await askPresence(this.#place, timeoutMs);
      if (presence !== "none" || !this.#launching || performance.now() > until) return presence;
      await delay(50);
    }
  }

  #pgCtl(args: string[], timeoutMs: number) {
    const all = [...args, "--pgdata", this.#place.cluster];
    return runCommand(this.#program, all, { as: this.#as, timeoutMs });
  }

  async #launch(): Promise<{ code: number; output: string }> {
    if (this.#ending) throw new StartError("Holdfast is stopping");
    this.#launching = true;
    try {
      const args = ["start", "--wait", "--timeout", "60", "--log", this.#place.log];
      return await this.#pgCtl(args, 90_000);
    } finally {
      this.#launching = false;
    }
  }

  /**
   * Removes a postmaster.pid whose number belongs to another program: Postgres would not start beside it. If a server runs on
   * the directory after all, on another socket than ours, Postgres refuses to start by its shared memory.
   */
  async #dropStalePid(): Promise<void> {
    const pid = await readPid(this.#place.cluster);
    if (pid === undefined || (await this.#pgCtl(["status"], 10_000)).code !== 0) return;
    for (let attempt = 0; attempt < 10; attempt++) {
      if (await askPresence(this.#place, 1_000) !== "none") return;
      await delay(50);
    }
    const detail = "the process of that number is another program";
    this.#log.warn("embedded_postgres_stale_pid", { pid, detail });
    await rm(this.#pidFile, { force: true });
  }

  /** Waits until nothing listens on the socket. Returns false after `timeoutMs`, or after three seconds of silence. */
  async #untilGone(timeoutMs: number): Promise<boolean> {
    const until = performance.now() + timeoutMs;
    for (let silent = 0;;) {
      const presence = await askPresence(this.#place, 1_000);
      if (presence === "none" && !existsSync(this.#pidFile)) return true;
      silent = presence === "silent" ? silent + 1 : 0;
      if (silent === 3 || performance.now() > until) return false;
      await delay(50);
    }
  }
}
