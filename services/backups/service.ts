import { randomBytes } from "node:crypto";
import { readServerFacts, type ServerFacts } from "../../db/backups/facts.ts";
import type { Target } from "../../db/connection.ts";
import type { EmbeddedServer } from "../../db/embedded/server.ts";
import type { Pool, PoolerMode } from "../../db/pool.ts";
import { HoldfastError } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import type { Clock } from "../clock.ts";
import type { Publisher } from "../hub.ts";
import { createArchiver } from "./archiver.ts";
import { createBackupCatalogue } from "./catalogue.ts";
import { createChecking } from "./checking.ts";
import { type SealCheck, sweepDrill } from "./drill.ts";
import { explain, whyNotReplicated } from "./failure.ts";
import { findPgDump } from "./logical.ts";
import { isProven } from "./record.ts";
import {
  type Backup,
  type BackupHealth,
  reportBackups,
  showBackup,
  showRunning,
} from "./report.ts";
import { whatIsDue } from "./schedule.ts";
import { type BackupStore, newId } from "./store.ts";
import { createTaking } from "./taking.ts";
import { createTurn } from "./turn.ts";

export interface Backups {
  /**
   * Begins a backup and answers it as it runs: a base backup where the role may replicate, else a logical one. Throws
   * `backup_running`, or why it cannot be.
   */
  start(kind?: Backup["kind"]): Promise<Backup>;
  /** Checks a backup's files and, with `restore`, restores it on trial. Answers when that has ended or `waitMs` is over. */
  verify(id: string, how: { restore: boolean; waitMs: number }): Promise<Backup>;
  /** Newest first, those older than `before`. */
  list(page: { limit: number; before: string | undefined }): Promise<Backup[]>;
  get(id: string): Promise<Backup>;
  /** Aborts one that runs, removes one that is over; the last proven one only with `force`. */
  remove(id: string, force: boolean): Promise<void>;
  /** What was last known; asks nothing. */
  report(): BackupHealth;
  /** Archives WAL, and begins what is due. */
  everyMinute(): Promise<void>;
  /** Clears what a killed Holdfast left behind, and reads the catalogue. */
  prepare(): Promise<void>;
  /** Resolves when nothing runs. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

export interface BackupSettings {
  /** Whether backups are taken without being asked for. */
  scheduled: boolean;
  backupHours: number;
  drillHours: number;
  keep: number;
  rateMb: number;
  walSeconds: number;
}

/** Takes, checks, tries and retires backups; one thing at a time, in one Holdfast at a time. */
export function createBackups(
  { store, target, pooler, pool, embedded, scratchHome, checkSeals, settings, hub, clock, log }: {
    store: BackupStore;
    target: Target;
    pooler: PoolerMode;
    pool: Pool;
    embedded: Pick<EmbeddedServer, "spool" | "startArchiving"> | undefined;
    /** Where scratch servers may live: the server's user must be able to enter it. */
    scratchHome: string;
    checkSeals?: SealCheck | undefined;
    settings: BackupSettings;
    hub: Publisher;
    clock: Clock;
    log: Logger;
  },
): Backups {
  const { scheduled, backupHours, drillHours, keep, rateMb, walSeconds } = settings;
  const startedAt = clock.now().getTime();
  let facts: ServerFacts | undefined;
  let lastFailureAt: number | undefined;
  let lastDrillAt: number | undefined;
  let lastProblem: string | undefined;
  let toldAt = 0;
  const archiver = createArchiver({ embedded, pool, clock, walSeconds });
  const catalogue = createBackupCatalogue({ store, archiver, keep, log });
  const turn = createTurn({ target, pooler, clock, log, onEnd: () => tell(true) });
  const take = createTaking({
    target,
    store,
    catalogue,
    embedded,
    rateMb,
    clock,
    log,
    onProgress: () => tell(false),
  });
  const check = createChecking({
    store,
    catalogue,
    archiver,
    embedded,
    scratchHome,
    living: (ask) => pool.run(ask, { deadlineMs: 120_000 }),
    checkSeals,
    clock,
    log,
    onStep: () => tell(true),
  });

  async function readFacts(): Promise<ServerFacts> {
    return facts = await pool.run(readServerFacts, { deadlineMs: 30_000 });
  }

  /** Tells the world how it goes; progress once a second. */
  function tell(important: boolean): void {
    if (!important && performance.now() - toldAt < 1_000) return;
    toldAt = performance.now();
    const work = turn.work();
    const [newest] = catalogue.records(facts?.system);
    const known = work ? catalogue.records().find(({ id }) => id === work.id) : newest;
    const backup = known ? showBackup(known, work) : work ? showRunning(work) : null;
    hub.publish("backup_status", { backup, health: report() });
  }

  function note(problem: string | undefined): void {
    lastProblem = problem;
    lastFailureAt = problem === undefined ? undefined : clock.now().getTime();
  }

  const report = () =>
    reportBackups({
      records: catalogue.records(facts?.system),
      archive: archiver.state(),
      scheduled: scheduled && backupHours > 0,
      startedAt,
      now: clock.now().getTime(),
      problems: lastProblem ? [lastProblem] : [],
    });

  async function start(wanted?: Backup["kind"]): Promise<Backup> {
    const known = await readFacts();
    const refusal = whyNotReplicated(known);
    const kind = wanted ?? (refusal ? "logical" : "base");
    if (refusal && kind === "base") throw refusal;
    if (kind === "logical" && !findPgDump(Math.floor(known.version / 10_000))) {
      throw refusal ??
        new HoldfastError("conflict", "There is no pg_dump here that fits the server");
    }
    const id = newId(clock.now(), randomBytes(3).toString("hex"));
    await turn.begin(
      { id, kind, what: "backup", step: kind === "base" ? "streaming" : "dumping" },
      async (own, signal) => {
        const problem = await take(own, known, signal);
        note(problem && `the last backup failed: ${problem}`);
      },
    );
    tell(true);
    return await get(id);
  }

  async function verify(id: string, restore: boolean): Promise<void> {
    const record = await catalogue.find(id);
    if (record.status === "failed") {
      throw new HoldfastError("conflict", `Backup ${id} failed; there is nothing to check`);
    }
    const what = restore ? "drill" : "verify";
    const { role } = facts ?? await readFacts();
    await turn.begin(
      { id, kind: record.kind, what, step: "checking files" },
      async (own, signal) => {
        if (restore) lastDrillAt = clock.now().getTime();
        try {
          await check(own, { restore, user: role, signal });
          note(undefined);
        } catch (error) {
          if (signal.aborted) return;
          note(`the last drill could not be held: ${explain(error)}`);
          throw error;
        }
      },
    );
  }

  async function get(id: string): Promise<Backup> {
    const work = turn.work();
    if (work?.what === "backup" && work.id === id) return showRunning(work);
    return showBackup(await catalogue.find(id), work);
  }

  async function beginDue(system: string): Promise<void> {
    const records = catalogue.records(system);
    const due = whatIsDue({
      records,
      now: clock.now().getTime(),
      startedAt,
      backupHours,
      drillHours,
      lastFailureAt,
      lastDrillAt,
    });
    const newest = records.find(({ status }) => status === "complete");
    try {
      if (due === "backup") await start();
      if (due === "drill" && newest) await verify(newest.id, true);
    } catch (error) {
      if (error instanceof HoldfastError && error.code === "backup_running") return;
      note(explain(error));
      log.warn("backup_not_begun", { due, problem: lastProblem });
    }
  }

  return {
    start,
    async verify(id, { restore, waitMs }) {
      await verify(id, restore);
      let timer: ReturnType<typeof setTimeout> | undefined;
      await Promise.race([turn.running(), new Promise((done) => timer = setTimeout(done, waitMs))]);
      clearTimeout(timer);
      return await get(id);
    },
    async list({ limit, before }) {
      await catalogue.refresh();
      const work = turn.work();
      const stored = catalogue.records().map((record) => showBackup(record, work));
      const runs = work?.what === "backup" && !stored.some(({ id }) => id === work.id);
      return [...runs ? [showRunning(work)] : [], ...stored]
        .filter(({ id }) => before === undefined || id < before).slice(0, limit);
    },
    get,
    async remove(id, force) {
      if (turn.work()?.id === id) {
        turn.abort(new HoldfastError("conflict", "It was aborted"));
        return await turn.running();
      }
      const record = await catalogue.find(id);
      const proven = catalogue.records(record.system).filter(isProven);
      if (!force && proven.length === 1 && proven[0]?.id === id) {
        throw new HoldfastError(
          "conflict",
          `Backup ${id} is the only proven one; force removes it all the same`,
        );
      }
      await store.remove(record);
      await catalogue.prune(record.system);
      tell(true);
    },
    report,
    async prepare() {
      await catalogue.refresh();
      const { system, version } = await readFacts();
      await archiver.look();
      // Left behind by a Holdfast that was killed; one that lives has the turn, and keeps what is its own.
      await turn.briefly(async () => {
        const names = await store.sweep(system);
        if (names.length > 0) log.info("backup_leftovers_removed", { names });
        await archiver.sweep(catalogue.archiveOf(system));
        const major = Math.floor(version / 10_000);
        await sweepDrill({ home: scratchHome, system, major, embedded: embedded !== undefined });
      });
    },
    async everyMinute() {
      const { system } = facts ?? await readFacts();
      await archiver.collect(catalogue.archiveOf(system));
      if (scheduled && !turn.running()) await beginDue(system);
    },
    idle: async () => await turn.running(),
    async stop() {
      await turn.stop();
      await archiver.stop();
    },
  };
}
