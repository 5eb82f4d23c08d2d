import { randomBytes } from "node:crypto";
import { readServerFacts, type ServerFacts } from "../../db/backups/facts.ts";
import { probeReplication } from "../../db/backups/walsender.ts";
import type { Target } from "../../db/connection.ts";
import type { EmbeddedServer } from "../../db/embedded/server.ts";
import type { Pool, PoolerMode } from "../../db/pool/pool.ts";
import { HoldfastError } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Publisher } from "../live/hub.ts";
import type { Backups, BackupSettings } from "./backups_api.ts";
import { createArchiver } from "./wal/schedule.ts";
import { createBackupCatalogue } from "./repository.ts";
import { createChecking } from "./verify/run.ts";
import type { Bucket } from "./s3/bucket.ts";
import { createCopies } from "./s3/copies.ts";
import { type SealCheck, sweepDrill } from "./verify/drill.ts";
import { explain, replicationRefused, whyNotReplicated } from "./failure.ts";
import { findPgDump } from "./base/pg_dump.ts";
import { type BackupRecord, isProven } from "./record.ts";
import { type Backup, reportBackups, showBackup, showRunning } from "./report.ts";
import { whatIsDue } from "./schedule.ts";
import { type BackupStore, newId } from "./backup_store.ts";
import { createTaking } from "./base/run.ts";
import { createTurn } from "./lock.ts";
import { endsWithin } from "../../lib/deadline.ts";

/** Takes, checks, tries and retires backups; one thing at a time, in one Holdfast at a time. */
export function createBackups(
  {
    store,
    bucket,
    target,
    pooler,
    pool,
    embedded,
    scratchHome,
    checkSeals,
    settings,
    hub,
    clock,
    log,
  }: {
    store: BackupStore;
    /** Where everything is copied to; undefined: nowhere. */
    bucket: Bucket | undefined;
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
  const catalogue = createBackupCatalogue({
    store,
    archiver,
    keep,
    now: () => clock.now().getTime(),
    log,
  });
  const copies = createCopies({ bucket, store, catalogue, keep, clock, log, onChange: tell });
  const turn = createTurn({
    target,
    pooler,
    clock,
    log,
    onEnd() {
      tell(true);
      if (facts) copies.wake(facts.system);
    },
  });
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
    copies,
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
    const backup = known ? show(known) : work ? showRunning(work) : null;
    hub.publish("backup_status", { backup, health: report() });
  }

  const show = (record: BackupRecord) => showBackup(record, turn.work(), copies.of(record));

  function note(problem: string | undefined): void {
    lastProblem = problem;
    lastFailureAt = problem === undefined ? undefined : clock.now().getTime();
  }

  const report = () =>
    reportBackups({
      records: catalogue.records(facts?.system),
      archive: archiver.state(),
      copies: copies.health(),
      scheduled: scheduled && backupHours > 0,
      startedAt,
      now: clock.now().getTime(),
      problems: lastProblem ? [lastProblem] : [],
    });

  /** What the role may do says nothing of what stands between: that is found out by trying. */
  async function tried(known: ServerFacts): Promise<HoldfastError | undefined> {
    if (embedded) return undefined;
    const refusal = await probeReplication(target, { system: known.system });
    // All connections for replication are taken just now: nothing that says what is possible.
    return refusal && refusal.code !== "53300" ? replicationRefused(refusal) : undefined;
  }

  async function start(wanted?: Backup["kind"]): Promise<Backup> {
    const known = await readFacts();
    const refusal = whyNotReplicated(known) ??
      (wanted === "logical" ? undefined : await tried(known));
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

  async function verify(
    id: string,
    { restore, copy }: { restore: boolean; copy: boolean },
  ): Promise<void> {
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
          await check(own, { restore, copy, user: role, signal });
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
    return show(await catalogue.find(id));
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
      // Reading a copy back costs time and money: only when it is asked for.
      if (due === "drill" && newest) await verify(newest.id, { restore: true, copy: false });
    } catch (error) {
      if (error instanceof HoldfastError && error.code === "backup_running") return;
      note(explain(error));
      log.warn("backup_not_begun", { due, problem: lastProblem });
    }
  }

  return {
    start,
    async verify(id, { restore, waitMs }) {
      await verify(id, { restore, copy: true });
      await endsWithin(turn.running() ?? Promise.resolve(), waitMs);
      return await get(id);
    },
    async list({ limit, before }) {
      await catalogue.refresh();
      const work = turn.work();
      const stored = catalogue.records().map(show);
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
      copies.discard(record.id);
      await catalogue.prune(record.system);
      copies.wake(record.system);
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
      copies.wake(system);
    },
    async everyMinute() {
      const { system } = facts ?? await readFacts();
      await archiver.collect(catalogue.archiveOf(system));
      copies.wake(system, { mend: true });
      if (scheduled && !turn.running()) await beginDue(system);
    },
    async idle() {
      await turn.running();
      await copies.idle();
    },
    async stop() {
      await turn.stop();
      await copies.stop();
      await archiver.stop();
    },
  };
}
