import { readServerFacts, type ServerFacts } from "../../db/backups/facts.ts";
import { connectSql } from "../../db/connection.ts";
import { toHoldfastError } from "../../db/errors.ts";
import type { Pool, PoolerMode } from "../../db/pool/pool.ts";
import type { RecordsDb } from "../../db/records/records.ts";
import { takeRehearsalLock } from "../../db/rehearsals/lock.ts";
import { openRowReader } from "../../db/row_transfer.ts";
import { readSettingFacts } from "../../db/rehearsals/production.ts";
import type { Change as ServerChange } from "../../db/history/changes.ts";
import { HoldfastError, messageOf } from "../../errors.ts";
import { endsWithin } from "../../lib/deadline.ts";
import type { Publisher } from "../live/hub.ts";
import type { Recommendation } from "../monitor/diagnosis/advice.ts";
import type { ChangedPlans } from "./changed_plans.ts";
import { openCandidates, type Proposals } from "./candidates/candidates.ts";
import { placeOfCopies, removeCopies } from "./copy/place.ts";
import { type RehearsalEnvironment, RehearsalJob } from "./job.ts";
import { type AdviceRehearsal, type Change, type Rehearsal, statusOf } from "./rehearsal.ts";
import { dueAfterDrill, planChanges } from "./nightly.ts";
import { rehearsalProfiles } from "./replay/profiles.ts";
import { htmlReport } from "./report/html.ts";
import { markdownReport } from "./report/markdown.ts";
import { createRehearsalRepository, type RehearsalRepository } from "./repository.ts";
import {
  type Advice,
  changeOf,
  checkSettings,
  checkWorkload,
  newRehearsal,
  type RehearsalInput,
  type RequestedChange,
} from "./request.ts";
import { isEnded } from "./state.ts";
import { findNewerPrograms, whyUnusable } from "./upgrade/programs.ts";

export interface Rehearsals {
  /** Starts a rehearsal and returns it at once. Throws `rehearsal_running` and `invalid_request`. */
  start(input: RehearsalInput): Promise<Rehearsal>;
  /** Starts a rehearsal of a recommendation. Throws `not_found` for an unknown id. */
  startAdvice(id: string): Promise<Rehearsal>;
  /** Returns one rehearsal. Throws `not_found`. */
  get(id: string): Promise<Rehearsal>;
  /** Lists rehearsals, newest first. */
  list(
    page: { limit: number; cursor?: string | undefined },
  ): Promise<{ rehearsals: Rehearsal[]; next_cursor: string | null }>;
  /** Returns a rehearsal as a document. Throws `not_found`. */
  render(id: string, format: "html" | "markdown"): Promise<string>;
  /** Aborts a running rehearsal; returns an ended one unchanged. */
  abort(id: string): Promise<Rehearsal>;
  /** Returns the indexes that rehearsals found missing, as recommendations, from memory. */
  candidates(): Recommendation[];
  /** Returns the last result of rehearsing a recommendation, from memory. */
  ofAdvice(id: string): AdviceRehearsal | null;
  /** Removes what a killed instance left behind; called at a start. */
  prepare(): Promise<void>;
  /** Starts what is due since the last restore drill, where the settings ask for it. */
  everyMinute(): Promise<void>;
  /** Resolves when no rehearsal is running. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

export interface RehearsalsOptions extends RehearsalEnvironment {
  pooler: PoolerMode;
  pool: Pool;
  records: RecordsDb;
  hub: Publisher;
  /** Returns the recommendations of the monitor. */
  advice: () => readonly Recommendation[];
  /** Whether restore drills are followed by rehearsals. */
  afterDrill: boolean;
  /** The directory of a newer major version, whose upgrade is rehearsed after each restore drill. */
  upgradeBin: string | undefined;
  /** Gets the rehearsals whose plans are compared, for the alerts. */
  changedPlans: Pick<ChangedPlans, "compare">;
  /** Records changes of the server. */
  noteChanges(changes: readonly ServerChange[]): void;
}

/** Longest that an abort waits for the rehearsal to end; milliseconds. */
const abortWaitMs = 5_000;

/** Rehearsals whose candidates are remembered. */
const proposalsMax = 50;

const alreadyRunning = () =>
  new HoldfastError("rehearsal_running", "A rehearsal is running; wait for its end or abort it");
const stopping = () => new HoldfastError("shutting_down", "Holdfast is shutting down");
const newSeed = () => crypto.getRandomValues(new Uint32Array(1))[0]!;

/** Creates the service that rehearses changes on copies of the database, one at a time. */
export const createRehearsals = (options: RehearsalsOptions): Rehearsals =>
  new RehearsalService(options);

class RehearsalService implements Rehearsals {
  readonly #options: RehearsalsOptions;
  readonly #repository: RehearsalRepository;
  /** The last result of each recommendation. */
  readonly #results = new Map<string, AdviceRehearsal>();
  /** The newest rehearsal whose plans were compared, and how it stood. */
  #compared = "";
  /** What the last rehearsals proposed, newest first. */
  #proposals: Proposals[] = [];
  /** Why the programs of the upgrade in the settings cannot be used, and the drill after which they were last looked for. */
  #upgradeRefused: { reason: string; drill: string | undefined } | undefined;
  /** Whether another session held the lock when leftovers should have been removed. */
  #mustSweep = false;
  #starting: Promise<RehearsalJob> | undefined;
  #job: RehearsalJob | undefined;
  #stopped = false;

  constructor(options: RehearsalsOptions) {
    this.#options = options;
    this.#repository = createRehearsalRepository(options.records);
  }

  async start(input: RehearsalInput): Promise<Rehearsal> {
    if (this.#stopped) throw stopping();
    if (this.#starting || this.#job) throw alreadyRunning();
    this.#starting = this.#begin(input);
    try {
      const job = this.#job = await this.#starting;
      void job.done.finally(() => {
        this.#job = undefined;
        this.#noteResult(job.rehearsal);
        this.#noteProposals(job.rehearsal);
        return this.#notePlans(job.rehearsal);
      }).catch((error) =>
        this.#options.log.warn("plans_not_compared", { error: messageOf(error) })
      );
      return structuredClone(job.rehearsal);
    } finally {
      this.#starting = undefined;
    }
  }

  async startAdvice(id: string): Promise<Rehearsal> {
    if (!this.#advice(id)) {
      throw new HoldfastError("not_found", `There is no recommendation ${id} at present`);
    }
    return await this.start({ recommendation: id });
  }

  async get(id: string): Promise<Rehearsal> {
    const found = this.#running(id) ?? await this.#repository.find(id);
    if (!found) throw new HoldfastError("not_found", `There is no rehearsal ${id}`);
    return found;
  }

  async list(page: { limit: number; cursor?: string | undefined }) {
    const { rehearsals, next_cursor } = await this.#repository.list(page);
    return { rehearsals: rehearsals.map((one) => this.#running(one.id) ?? one), next_cursor };
  }

  async render(id: string, format: "html" | "markdown"): Promise<string> {
    const rehearsal = await this.get(id);
    return format === "html" ? htmlReport(rehearsal) : markdownReport(rehearsal);
  }

  async abort(id: string): Promise<Rehearsal> {
    const job = this.#job;
    if (job?.rehearsal.id === id) {
      job.abort(new HoldfastError("conflict", "It was aborted"));
      await endsWithin(job.done, abortWaitMs);
      return await this.get(id);
    }
    const found = await this.get(id);
    if (isEnded(found.status)) return found;
    throw new HoldfastError(
      "conflict",
      "The rehearsal runs in another Holdfast; abort it there",
    );
  }

  candidates(): Recommendation[] {
    return openCandidates(this.#proposals).map(({ query: _query, ...advice }) => advice);
  }

  ofAdvice(id: string): AdviceRehearsal | null {
    return this.#results.get(id) ?? null;
  }

  async prepare(): Promise<void> {
    if (this.#job || this.#starting) return;
    const facts = await this.#readFacts();
    const { afterDrill, upgradeBin } = this.#options;
    if (afterDrill && upgradeBin) await this.#canUpgrade(upgradeBin, facts, undefined);
    await this.#sweepWhenFree(facts);
    for (const rehearsal of await this.#repository.listOfAdvice()) this.#noteResult(rehearsal);
    const { rehearsals } = await this.#repository.list({ limit: proposalsMax });
    this.#proposals = [];
    for (const rehearsal of rehearsals.toReversed()) this.#noteProposals(rehearsal);
    this.#options.changedPlans.compare(rehearsals);
  }

  async everyMinute(): Promise<void> {
    await this.#comparePlans();
    if (this.#stopped || this.#starting || this.#job) return;
    if (this.#mustSweep) await this.#sweepWhenFree(await this.#readFacts());
    if (!this.#options.afterDrill) return;
    const facts = await this.#readFacts();
    const newest = await this.#options.findBase(facts, undefined);
    const { rehearsals } = await this.#repository.list({ limit: proposalsMax });
    const advice = this.#openAdvice();
    const dueWith = (upgrade: string | undefined) =>
      dueAfterDrill({ newest, rehearsals, advice, upgrade });
    let due = dueWith(this.#options.upgradeBin);
    if (
      due?.to_bin !== undefined && !await this.#canUpgrade(due.to_bin, facts, newest?.proof?.at)
    ) {
      due = dueWith(undefined);
    }
    if (!due) return;
    try {
      await this.start({ ...due, backup: newest?.id });
    } catch (error) {
      // Another instance rehearses, or the advice is no longer open.
      if (!(error instanceof HoldfastError)) throw error;
      this.#options.log.info("rehearsal_after_drill_not_begun", { reason: error.message });
    }
  }

  async idle(): Promise<void> {
    await this.#job?.done;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    // One that is about to begin would otherwise run on after the stop.
    const job = await this.#starting?.catch(() => undefined) ?? this.#job;
    job?.abort(stopping());
    await job?.done;
  }

  /** Returns a copy of the running rehearsal when it has this id. */
  #running(id: string): Rehearsal | undefined {
    return this.#job?.rehearsal.id === id ? structuredClone(this.#job.rehearsal) : undefined;
  }

  /**
   * Returns whether the upgrade of the settings can be rehearsed after this drill. Logs why not, once for each reason, and
   * looks for the programs again after the next drill.
   */
  async #canUpgrade(
    bin: string,
    { version }: ServerFacts,
    drill: string | undefined,
  ): Promise<boolean> {
    const last = this.#upgradeRefused;
    if (last && last.drill === drill) return false;
    const reason = await whyUnusable(bin, Math.floor(version / 10_000));
    this.#upgradeRefused = reason === undefined ? undefined : { reason, drill };
    if (reason !== undefined && reason !== last?.reason) {
      this.#options.log.warn("upgrade_not_rehearsed", {
        setting: `HOLDFAST_REHEARSE_UPGRADE_BIN=${bin}`,
        reason,
      });
    }
    return reason === undefined;
  }

  #openAdvice(): Recommendation[] {
    return [...this.#options.advice(), ...this.candidates()];
  }

  /** Finds a recommendation of the monitor or of a rehearsal. */
  #advice(id: string): Advice | undefined {
    return this.#openAdvice().find((one) => one.id === id);
  }

  /** Records the statements whose plans differ from those of the previous backup. */
  async #notePlans(rehearsal: Rehearsal): Promise<void> {
    if (rehearsal.status !== "done" || this.#stopped) return;
    const { rehearsals } = await this.#repository.list({ limit: proposalsMax });
    this.#options.changedPlans.compare(rehearsals);
    const done = rehearsals.filter(({ status }) => status === "done");
    const { clock, noteChanges, log } = this.#options;
    const changed = planChanges(rehearsal, done, clock.now().getTime());
    if (changed.length === 0) return;
    noteChanges(changed);
    log.warn("plans_changed", { rehearsal: rehearsal.id, statements: changed.length });
  }

  /** Compares the plans again once another rehearsal has ended, which may have run in another instance. */
  async #comparePlans(): Promise<void> {
    const { rehearsals: [newest] } = await this.#repository.list({ limit: 1 });
    const standing = newest ? `${newest.id} ${newest.status}` : "none";
    if (standing === this.#compared) return;
    const { rehearsals } = await this.#repository.list({ limit: proposalsMax });
    this.#options.changedPlans.compare(rehearsals);
    this.#compared = standing;
  }

  #noteProposals({ status, candidates, statements }: Rehearsal): void {
    if (status !== "done") return;
    const queries = statements.map(({ query }) => query);
    this.#proposals = [{ candidates, queries }, ...this.#proposals].slice(0, proposalsMax);
  }

  #noteResult({ id, status, recommendation, finished_at, verdict, summary }: Rehearsal): void {
    if (recommendation === null || status !== "done" || !verdict || !summary) return;
    this.#results.set(recommendation, { id, finished_at: finished_at ?? "", verdict, summary });
  }

  #readFacts(): Promise<ServerFacts> {
    return this.#options.pool.run(readServerFacts, { deadlineMs: 30_000 });
  }

  /** Connection options; the pooler's mode is known only once the pool has connected. */
  #connectOptions() {
    const { target, pooler } = this.#options;
    return {
      target,
      pooled: pooler.pooled,
      serverVersion: pooler.version,
      statementTimeoutMs: 10_000,
      lockTimeoutMs: 200,
    };
  }

  #takeLock() {
    return takeRehearsalLock(this.#connectOptions()).catch((error) => {
      throw toHoldfastError(error);
    });
  }

  /** Checks the request, takes the lock, and starts the job. */
  async #begin(input: RehearsalInput): Promise<RehearsalJob> {
    const { clock, hub, log, findBase } = this.#options;
    const requested = changeOf(input, (id) => this.#advice(id));
    checkWorkload(input.workload);
    const facts = await this.#readFacts();
    const change = await this.#complete(requested, facts);
    await this.#checkSettings(change);
    const base = await findBase(facts, input.backup);
    const lock = await this.#takeLock();
    if (!lock) throw alreadyRunning();
    const profile = input.profile ?? "quick";
    const rehearsal = newRehearsal(change, { profile, seed: newSeed(), now: clock.now() });
    try {
      await this.#sweep(facts);
      if (this.#stopped) throw stopping();
      await this.#repository.save(rehearsal);
    } catch (error) {
      await lock.release();
      throw toHoldfastError(error);
    }
    log.info("rehearsal_started", { rehearsal: rehearsal.id, source: change.source, profile });
    return new RehearsalJob({
      ...this.#options,
      facts,
      base,
      rehearsal,
      change,
      workload: input.workload,
      profile: rehearsalProfiles[profile],
      openProduction: (statementTimeoutMs = 10_000) =>
        connectSql({
          ...this.#connectOptions(),
          statementTimeoutMs,
          max: 1,
          applicationName: "holdfast-rehearsal-production",
          purpose: "benchmark",
        }),
      openReader: (statementTimeoutMs, signal) =>
        openRowReader(this.#options.target, {
          ...this.#connectOptions(),
          database: facts.database,
          applicationName: "holdfast-rehearsal-rows",
          statementTimeoutMs,
          signal,
        }),
      save: (one) => this.#repository.save(one),
      publish: (one) => void hub.publish("rehearsal_status", statusOf(one)),
      release: () => lock.release(),
    });
  }

  /** Finds the programs of an upgrade. Throws `invalid_request` where they cannot be used. */
  async #complete(change: RequestedChange, { version }: ServerFacts): Promise<Change> {
    if (change.source !== "upgrade") return change;
    const programs = await findNewerPrograms(change.bin, Math.floor(version / 10_000));
    return { ...change, programs };
  }

  async #checkSettings(change: Change): Promise<void> {
    if (change.source !== "settings") return;
    const names = Object.keys(change.settings);
    const facts = await this.#options.pool.run((sql) =>
      readSettingFacts(sql, [...names, ...names.map((name) => name.toLowerCase())])
    );
    checkSettings(change.settings, facts);
  }

  /** Removes what interrupted rehearsals left behind, unless another instance rehearses, or a killed one still holds the lock. */
  async #sweepWhenFree(facts: ServerFacts): Promise<void> {
    const lock = await this.#takeLock();
    if (!lock) {
      this.#mustSweep = true;
      return;
    }
    try {
      await this.#sweep(facts);
    } finally {
      await lock.release();
    }
  }

  /** Removes what interrupted rehearsals left behind, and ends their records. The caller holds the lock. */
  async #sweep({ system, database, version }: ServerFacts): Promise<void> {
    const { scratchHome, embedded, clock, log } = this.#options;
    const major = Math.floor(version / 10_000);
    const files = await removeCopies(
      placeOfCopies(scratchHome, { system, database, embedded }),
      { major, embedded },
    );
    const unfinished = await this.#repository.listUnfinished();
    for (const rehearsal of unfinished) {
      rehearsal.status = "aborted";
      rehearsal.step = null;
      rehearsal.finished_at = clock.now().toISOString();
      rehearsal.problems.push("Holdfast ended while the rehearsal was under way");
      await this.#repository.save(rehearsal);
    }
    if (files || unfinished.length > 0) {
      log.info("rehearsal_leftovers_removed", { files, rehearsals: unfinished.length });
    }
    this.#mustSweep = false;
  }
}
