import { readServerFacts, type ServerFacts } from "../../db/backups/facts.ts";
import { connectSql, type Target } from "../../db/connection.ts";
import { toHoldfastError } from "../../db/errors.ts";
import type { Pool, PoolerMode } from "../../db/pool/pool.ts";
import type { RecordsDb } from "../../db/records/records.ts";
import { readSettingFacts } from "../../db/rehearsals/production.ts";
import { takeRehearsalLock } from "../../db/rehearsals/lock.ts";
import {
  findRehearsal,
  listOfAdvice,
  listRehearsals,
  listUnfinished,
  saveRehearsal,
} from "../../db/rehearsals/records.ts";
import { HoldfastError } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import type { ProfileName } from "../benchmarks/case.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Publisher } from "../live/hub.ts";
import { cursorParts, readCursor, writeCursor } from "../market/cursor.ts";
import { placeOfCopies, removeCopies } from "./copy/place.ts";
import { createLiveRehearsal, type LiveOptions, type LiveRehearsal } from "./job.ts";
import type { AdviceRehearsal, Change, Rehearsal } from "./rehearsal.ts";
import { type RehearsalProfile, rehearsalProfiles } from "./replay/profiles.ts";
import { htmlReport } from "./report/html.ts";
import { markdownReport } from "./report/markdown.ts";
import {
  type Advice,
  changeOf,
  checkSettings,
  checkWorkload,
  type RehearsalInput,
} from "./request.ts";
import { endedStatuses, isEnded } from "./state.ts";
import { isDate, newRehearsal, rowOf, statusOf } from "./repository.ts";
import { endsWithin } from "../../lib/ends_within.ts";

export interface Rehearsals {
  /** Begins a rehearsal and answers it at once. Throws `rehearsal_running` and `invalid_request`. */
  start(input: RehearsalInput): Promise<Rehearsal>;
  /** The same with a piece of advice; throws `not_found` where there is none of this id. */
  startAdvice(id: string): Promise<Rehearsal>;
  /** Throws `not_found`. */
  get(id: string): Promise<Rehearsal>;
  /** Newest first. */
  list(
    page: { limit: number; cursor?: string | undefined },
  ): Promise<{ rehearsals: Rehearsal[]; next_cursor: string | null }>;
  /** A rehearsal as a document for readers. Throws `not_found`. */
  render(id: string, format: "html" | "markdown"): Promise<string>;
  /** Ends one that is under way; one that is over is answered as it is. */
  abort(id: string): Promise<Rehearsal>;
  /** What was found when a piece of advice was last rehearsed; from memory, asks nothing. */
  ofAdvice(id: string): AdviceRehearsal | null;
  /** Removes what a Holdfast that was killed left behind; right at a start. */
  prepare(): Promise<void>;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

export interface RehearsalsOptions extends Omit<LiveOptions, "facts" | "record" | "publish"> {
  target: Target;
  pooler: PoolerMode;
  pool: Pool;
  records: RecordsDb;
  hub: Publisher;
  clock: Clock;
  log: Logger;
  advice: (id: string) => Advice | undefined;
  /** How thoroughly each profile measures; shorter ones are for tests. */
  profiles?: Readonly<Record<ProfileName, RehearsalProfile>> | undefined;
  newSeed?: () => number;
}

const abortAnswerMs = 5_000;
const running = () =>
  new HoldfastError("rehearsal_running", "A rehearsal is under way; wait for it or abort it");
const stopping = () => new HoldfastError("shutting_down", "Holdfast is shutting down");
const randomSeed = () => crypto.getRandomValues(new Uint32Array(1))[0]!;

/** Rehearses changes on copies of the database, one at a time, and keeps what was found. */
export function createRehearsals(options: RehearsalsOptions): Rehearsals {
  const { target, pooler, pool, records, hub, clock, log, advice, newSeed = randomSeed } = options;
  const profiles = options.profiles ?? rehearsalProfiles;
  let starting = false;
  let live: LiveRehearsal | undefined;
  let stopped = false;
  const proven = new Map<string, AdviceRehearsal>();

  // What stands before the server is known only once the pool has connected.
  const connect = () => ({
    target,
    pooled: pooler.pooled,
    serverVersion: pooler.version,
    statementTimeoutMs: 10_000,
    lockTimeoutMs: 200,
  });
  const readFacts = () => pool.run(readServerFacts, { deadlineMs: 30_000 });
  const takeLock = () =>
    takeRehearsalLock(connect()).catch((error) => {
      throw toHoldfastError(error);
    });

  function noteAdvice(
    { id, status, recommendation, finished_at, verdict, summary }: Rehearsal,
  ): void {
    if (recommendation === null || status !== "done" || !verdict || !summary) return;
    proven.set(recommendation, { id, finished_at: finished_at ?? "", verdict, summary });
  }

  async function save(rehearsal: Rehearsal): Promise<void> {
    await saveRehearsal(records, rowOf(rehearsal));
  }

  const scratchOf = (facts: ServerFacts) => ({
    major: Math.floor(facts.version / 10_000),
    embedded: options.embedded,
  });

  /** Removes what is left of rehearsals that ended with their Holdfast; the caller holds the lock. */
  async function sweep(facts: ServerFacts): Promise<void> {
    const removed = await removeCopies(
      placeOfCopies(options.scratchHome, facts.system),
      scratchOf(facts),
    );
    const left = await listUnfinished(records, endedStatuses);
    for (const row of left) {
      const rehearsal = row.body as Rehearsal;
      rehearsal.status = "aborted";
      rehearsal.step = null;
      rehearsal.finished_at = clock.now().toISOString();
      rehearsal.problems.push("Holdfast ended while the rehearsal was under way");
      await save(rehearsal);
    }
    if (removed || left.length > 0) {
      log.info("rehearsal_leftovers_removed", { files: removed, rehearsals: left.length });
    }
  }

  async function checkAgainstServer(change: Change): Promise<void> {
    if (change.source !== "settings") return;
    const names = Object.keys(change.settings);
    checkSettings(
      change.settings,
      await pool.run((sql) =>
        readSettingFacts(sql, [...names, ...names.map((name) => name.toLowerCase())])
      ),
    );
  }

  async function begin(input: RehearsalInput): Promise<LiveRehearsal> {
    const change = changeOf(input, advice);
    checkWorkload(input.workload);
    await checkAgainstServer(change);
    const facts = await readFacts();
    const base = await options.findBase(facts, input.backup);
    const lock = await takeLock();
    if (!lock) throw running();
    const profile = input.profile ?? "quick";
    const rehearsal = newRehearsal(change, { profile, seed: newSeed(), now: clock.now() });
    try {
      await sweep(facts);
      if (stopped) throw stopping();
      await save(rehearsal);
    } catch (error) {
      await lock.release();
      throw toHoldfastError(error);
    }
    log.info("rehearsal_started", { rehearsal: rehearsal.id, source: change.source, profile });
    return createLiveRehearsal({
      ...options,
      facts,
      base,
      rehearsal,
      change,
      workload: input.workload,
      profile: profiles[profile],
      openProduction: (statementTimeoutMs = connect().statementTimeoutMs) =>
        connectSql({
          ...connect(),
          statementTimeoutMs,
          max: 1,
          applicationName: "holdfast-rehearsal-production",
          purpose: "benchmark",
        }),
      save,
      publish: (one) => void hub.publish("rehearsal_status", statusOf(one)),
      release: () => lock.release(),
    });
  }

  async function get(id: string): Promise<Rehearsal> {
    if (live?.rehearsal.id === id) return structuredClone(live.rehearsal);
    const row = cursorParts.uuid(id) ? await findRehearsal(records, id) : undefined;
    if (!row) throw new HoldfastError("not_found", `There is no rehearsal ${id}`);
    return row.body as Rehearsal;
  }

  async function start(input: RehearsalInput): Promise<Rehearsal> {
    if (stopped) throw stopping();
    if (starting || live) throw running();
    starting = true;
    try {
      const begun = live = await begin(input);
      void begun.done.finally(() => {
        live = undefined;
        noteAdvice(begun.rehearsal);
      });
      return structuredClone(begun.rehearsal);
    } finally {
      starting = false;
    }
  }

  return {
    start,
    async startAdvice(id) {
      if (!advice(id)) throw new HoldfastError("not_found", `There is no advice ${id} at present`);
      return await start({ recommendation: id });
    },
    get,
    async list({ limit, cursor }) {
      const position = readCursor(cursor, [isDate, cursorParts.uuid]);
      const after = position && { createdAt: new Date(position[0]!), id: position[1]! };
      const rows = await listRehearsals(records, { limit: limit + 1, after });
      const last = rows.length > limit ? rows[limit - 1] : undefined;
      return {
        rehearsals: rows.slice(0, limit).map((row) =>
          live?.rehearsal.id === row.id ? structuredClone(live.rehearsal) : row.body as Rehearsal
        ),
        next_cursor: last ? writeCursor([last.created_at.toISOString(), last.id]) : null,
      };
    },
    async render(id, format) {
      const rehearsal = await get(id);
      return format === "html" ? htmlReport(rehearsal) : markdownReport(rehearsal);
    },
    async abort(id) {
      if (live?.rehearsal.id === id) {
        const { done, abort } = live;
        abort(new HoldfastError("conflict", "It was aborted"));
        await endsWithin(done, abortAnswerMs);
        return await get(id);
      }
      const found = await get(id);
      if (!isEnded(found.status)) {
        throw new HoldfastError(
          "conflict",
          "The rehearsal belongs to another Holdfast; abort it there",
        );
      }
      return found;
    },
    ofAdvice: (id) => proven.get(id) ?? null,
    async prepare() {
      if (live || starting) return;
      const lock = await takeLock();
      if (!lock) return;
      try {
        await sweep(await readFacts());
      } finally {
        await lock.release();
      }
      for (const row of (await listOfAdvice(records)).toReversed()) {
        noteAdvice(row.body as Rehearsal);
      }
    },
    async idle() {
      await live?.done;
    },
    async stop() {
      stopped = true;
      live?.abort(stopping());
      await live?.done;
    },
  };
}
