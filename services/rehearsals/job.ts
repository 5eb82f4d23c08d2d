import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Config } from "../../config/config.ts";
import type { ServerFacts } from "../../db/backups/facts.ts";
import type { Walsender } from "../../db/backups/walsender.ts";
import type { Sql, Target } from "../../db/connection.ts";
import { describeDatabaseError, isUnreachable } from "../../db/errors.ts";
import { readPlanSettings } from "../../db/rehearsals/production.ts";
import { compact } from "../../db/rehearsals/scratch.ts";
import { HoldfastError, messageOf } from "../../errors.ts";
import type { Clock } from "../../lib/clock.ts";
import { endsWithin, unlessAborted } from "../../lib/deadline.ts";
import type { Logger } from "../../log.ts";
import type { BackupRecord } from "../backups/record.ts";
import type { BackupRepository } from "../backups/repository.ts";
import { createConvert } from "./change/convert.ts";
import { type CopyPair, type CopySource, makeCopies } from "./copy/pair.ts";
import { physicalSource } from "./copy/physical.ts";
import { placeOfCopies, sizeOf } from "./copy/place.ts";
import { type Sample, sampledSource, sampleNote } from "./copy/sampled.ts";
import { createGiveWay } from "./give_way.ts";
import { prepareCopy, readTop, runRehearsal, watchSessions } from "./phases.ts";
import type { Change, GivenStatement, Rehearsal } from "./rehearsal.ts";
import { isPlainValue } from "./request.ts";
import type { RehearsalProfile } from "./replay/profiles.ts";
import { isUnseen } from "./replay/shown_settings.ts";
import { nextStatus, type RehearsalEvent } from "./state.ts";
import { refuseObstacles } from "./upgrade/move.ts";
import { selectGiven, selectTop } from "./workload/selection.ts";

/** What every rehearsal of this instance needs. */
export interface RehearsalEnvironment {
  config: Config;
  /** Directory for the copies, which the server's user must be able to enter. */
  scratchHome: string;
  embedded: boolean;
  repository: Pick<BackupRepository, "pathOf">;
  /** Finds the backup to restore; undefined when there is none and none was named. */
  findBase(facts: ServerFacts, id: string | undefined): Promise<BackupRecord | undefined>;
  /** Takes a base backup and returns it; undefined where none can be taken. */
  takeBase(facts: ServerFacts, signal: AbortSignal): Promise<BackupRecord | undefined>;
  /** Address of the production server, for pg_dump. */
  target: Target;
  /** Statements that production runs at this moment on this machine. */
  activeStatements(): Promise<number>;
  clock: Clock;
  log: Logger;
}

export interface RehearsalJobOptions extends RehearsalEnvironment {
  facts: ServerFacts;
  base: BackupRecord | undefined;
  rehearsal: Rehearsal;
  change: Change;
  workload: readonly GivenStatement[] | undefined;
  profile: RehearsalProfile;
  openProduction(statementTimeoutMs?: number): Sql;
  /** Opens a session of the production server that reads rows for a sampled copy. */
  openReader(statementTimeoutMs: number, signal: AbortSignal): Promise<Walsender>;
  save(rehearsal: Rehearsal): Promise<void>;
  publish(rehearsal: Rehearsal): void;
  /** Releases the rehearsal lock. */
  release(): Promise<void>;
}

interface ChosenSource {
  source: CopySource;
  /** The restored backup; undefined for a sampled copy. */
  base: BackupRecord | undefined;
  sample: Sample | undefined;
}

/** Progress inside a status is published this often; milliseconds. */
const publishMs = 1_000;
/** Disk space that a rehearsal must leave free; below it the rehearsal fails. */
const reserveBytes = 256 * 1024 * 1024;
const diskCheckMs = 1_000;
/** Longest that the end of a rehearsal waits for its work to settle; milliseconds. */
const settleMs = 3_000;

const pause = async (ms: number, signal: AbortSignal) =>
  void await delay(ms, undefined, { signal });

/** Runs one rehearsal whose lock is held, keeps its record up to date, and removes the copies at its end. */
export class RehearsalJob {
  readonly rehearsal: Rehearsal;
  /** Resolves when it has ended, its copies are removed and its record is written; never rejects. */
  readonly done: Promise<void>;
  readonly #options: RehearsalJobOptions;
  readonly #controller = new AbortController();
  #publishedAt = 0;

  /** Starts the rehearsal. */
  constructor(options: RehearsalJobOptions) {
    this.#options = options;
    this.rehearsal = options.rehearsal;
    this.done = this.#run().catch((error) =>
      options.log.error("rehearsal_broken", { rehearsal: this.rehearsal.id, error })
    );
  }

  abort(reason: HoldfastError): void {
    this.#controller.abort(reason);
  }

  async #run(): Promise<void> {
    const { clock, log, publish, release } = this.#options;
    const { rehearsal } = this;
    try {
      await this.#rehearse();
      this.#transition("step_finished");
    } catch (error) {
      this.#fail(error);
    } finally {
      rehearsal.finished_at = clock.now().toISOString();
      await this.#save();
      await release();
      const { id, status, verdict } = rehearsal;
      log.info("rehearsal_finished", { rehearsal: id, status, verdict });
      publish(rehearsal);
    }
  }

  #fail(error: unknown): void {
    const { rehearsal } = this;
    const { aborted, reason } = this.#controller.signal;
    const byRequest = aborted && !isFailure(reason);
    this.#transition(byRequest ? "abort" : "failure");
    rehearsal.verdict = null;
    rehearsal.summary = null;
    rehearsal.problems.push(describe(aborted ? reason : error));
    if (byRequest) return;
    this.#options.log.warn("rehearsal_failed", {
      rehearsal: rehearsal.id,
      error: messageOf(error),
    });
  }

  #transition(event: RehearsalEvent): void {
    this.rehearsal.status = nextStatus(this.rehearsal.status, event);
    this.rehearsal.step = null;
  }

  /** Moves on to the next status. */
  async #advance(): Promise<void> {
    this.#controller.signal.throwIfAborted();
    this.#transition("step_finished");
    await this.#save();
    this.#options.publish(this.rehearsal);
  }

  #noteStep(step: string): void {
    this.rehearsal.step = step;
    if (performance.now() - this.#publishedAt < publishMs) return;
    this.#publishedAt = performance.now();
    this.#options.publish(this.rehearsal);
  }

  async #save(): Promise<void> {
    await this.#options.save(this.rehearsal).catch((error) =>
      this.#options.log.warn("rehearsal_not_saved", {
        rehearsal: this.rehearsal.id,
        error: messageOf(error),
      })
    );
  }

  async #rehearse(): Promise<void> {
    const { workload, profile } = this.#options;
    await this.#advance();
    const production = this.#options.openProduction();
    const sessions = watchSessions(production);
    const closeProduction = async () => {
      sessions.stop();
      await production.end({ timeout: 1 }).catch(() => {});
    };
    let copies: CopyPair | undefined;
    let diskTimer: ReturnType<typeof setInterval> | undefined;
    try {
      const top = workload ? [] : await readTop(production, this.rehearsal.problems);
      const settings = await readPlanSettings(production, this.#rehearsedSettings());
      const chosen = await this.#chooseSource();
      const { root } = this.#place();
      diskTimer = setInterval(() => void this.#checkDisk(dirname(root)), diskCheckMs);
      copies = await this.#makeCopies(chosen.source, settings);
      await this.#noteCopy(copies, chosen);
      const selection = workload
        ? selectGiven(workload)
        : selectTop(top, sessions.all(), profile.statements);
      await closeProduction();
      await this.#advance();
      await this.#measure(copies, selection);
    } finally {
      clearInterval(diskTimer);
      await closeProduction();
      await copies?.remove();
    }
  }

  #place() {
    const { scratchHome, facts: { system, database }, embedded } = this.#options;
    return placeOfCopies(scratchHome, { system, database, embedded });
  }

  /** Chooses a backup to restore, taking one if needed, or a sample where no base backup is possible. */
  async #chooseSource(): Promise<ChosenSource> {
    const { facts, repository, target, profile, takeBase } = this.#options;
    const { openProduction, openReader } = this.#options;
    if (!this.#options.base) this.#noteStep("taking a backup: there was none");
    const base = this.#options.base ?? await takeBase(facts, this.#controller.signal);
    if (base) {
      const source = physicalSource(base, { repository, role: facts.role });
      return { source, base, sample: undefined };
    }
    const source = sampledSource({
      target,
      facts,
      budgetBytes: profile.sampleBytes,
      openProduction: () => openProduction(profile.changeMs),
      openReader: (signal) => openReader(profile.changeMs, signal),
    });
    return { source, base, sample: source.sample };
  }

  /** Returns the settings that are rehearsed, without those that a replay shows nothing of. */
  #rehearsedSettings(): string[] {
    const { change } = this.#options;
    if (change.source !== "settings") return [];
    return Object.keys(change.settings).filter((name) => !isUnseen(name));
  }

  #makeCopies(
    source: CopySource,
    { all, own }: Awaited<ReturnType<typeof readPlanSettings>>,
  ): Promise<CopyPair> {
    const { change } = this.#options;
    const programs = change.source === "upgrade" ? change.programs : undefined;
    const { problems } = this.rehearsal;
    const { signal } = this.#controller;
    return makeCopies({
      source,
      place: this.#place(),
      planSettings: all,
      presentSettings: presentOf(all, this.#rehearsedSettings()),
      // What nobody has set gets the defaults of the newer version.
      newer: programs && { ...programs, planSettings: own },
      async prepare(admin, newer) {
        await prepareCopy(admin, { problems, signal });
        if (!newer || !programs) return;
        await refuseObstacles(admin, newer, programs.major);
        await compact(admin);
      },
      onStep: (step) => this.#noteStep(step),
      onLost: (arm) =>
        this.abort(
          new HoldfastError("database_unavailable", `The server of copy ${arm} ended unexpectedly`),
        ),
      signal,
    });
  }

  /** Writes into the record what the copies were made from. */
  async #noteCopy({ place }: CopyPair, { base, sample }: ChosenSource): Promise<void> {
    const { facts, clock } = this.#options;
    this.rehearsal.copy = {
      kind: base ? "physical" : "sampled",
      backup: base?.id ?? null,
      taken_at: base?.finished_at ?? base?.started_at ?? clock.now().toISOString(),
      server_version: facts.version,
      bytes: await sizeOf(place.data("a")),
      sample_share: sample?.share ?? 1,
    };
    if (sample) this.rehearsal.problems.push(sampleNote(sample.share), ...sample.problems);
  }

  async #measure(copies: CopyPair, selection: ReturnType<typeof selectGiven>): Promise<void> {
    const { change, profile, config, clock, log, activeStatements } = this.#options;
    const { signal } = this.#controller;
    const onStep = (step: string) => this.#noteStep(step);
    const cores = navigator.hardwareConcurrency;
    const giveWay = createGiveWay({ activeStatements, cores, pause, onStep, signal });
    const run = runRehearsal(this.rehearsal, {
      copies,
      change,
      selection,
      profile,
      convert: createConvert({ copies, config, clock, log }),
      signal,
      giveWay: () => giveWay.wait(),
      advance: () => this.#advance(),
      onStep,
    });
    try {
      await unlessAborted(signal, run);
    } finally {
      this.rehearsal.problems.push(...giveWay.problems());
      // What still starts a server or writes files ends before they are removed; a statement on a server that has gone
      // may never settle.
      await endsWithin(run.catch(() => {}), settleMs);
    }
  }

  /** Ends the rehearsal before it fills a disk that production may share. */
  async #checkDisk(path: string): Promise<void> {
    const found = await statfs(path).catch(() => undefined);
    if (!found || found.bavail * found.bsize >= reserveBytes) return;
    this.abort(
      new HoldfastError(
        "storage_full",
        "The rehearsal was ended: the disk has no more space for the copies",
      ),
    );
  }
}

/** Returns the present values of the settings that are rehearsed. */
const presentOf = (all: Readonly<Record<string, string>>, names: readonly string[]) =>
  Object.fromEntries(
    Object.entries(all).filter(([name, value]) =>
      names.includes(name.toLowerCase()) && isPlainValue(value)
    ),
  );

/** An abort by the rehearsal itself, because the disk is full or a copy's server has gone, is a failure. */
const isFailure = (reason: unknown) =>
  reason instanceof HoldfastError &&
  (reason.code === "storage_full" || reason.code === "database_unavailable");

function describe(error: unknown): string {
  if (error instanceof HoldfastError) return error.message;
  return isUnreachable(error)
    ? `A server cannot be reached: ${describeDatabaseError(error)}`
    : describeDatabaseError(error);
}
