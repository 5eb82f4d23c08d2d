import { dirname } from "node:path";
import { statfs } from "node:fs/promises";
import type { Config } from "../../config/config.ts";
import type { ServerFacts } from "../../db/backups/facts.ts";
import type { Sql, Target } from "../../db/connection.ts";
import { describeDatabaseError, isUnreachable } from "../../db/errors.ts";
import { readPlanSettings } from "../../db/rehearsals/production.ts";
import { HoldfastError, messageOf } from "../../errors.ts";
import { unlessAborted } from "../../lib/unless_aborted.ts";
import type { Logger } from "../../log.ts";
import type { BackupRecord } from "../backups/record.ts";
import type { BackupRepository } from "../backups/repository.ts";
import type { Clock } from "../../lib/clock.ts";
import { createConvert } from "./change/convert.ts";
import { type CopyPair, makeCopies } from "./copy/pair.ts";
import { physicalSource } from "./copy/physical.ts";
import { sampledSource, sampleNote } from "./copy/sampled.ts";
import { placeOfCopies, sizeOf } from "./copy/place.ts";
import type { Change, GivenStatement, Rehearsal } from "./rehearsal.ts";
import type { RehearsalProfile } from "./replay/profiles.ts";
import { prepareCopy, readTop, runRehearsal, watchSessions } from "./phases.ts";
import { selectGiven, selectTop } from "./workload/selection.ts";
import { nextStatus, type RehearsalEvent } from "./state.ts";

/** A rehearsal that is under way. */
export interface LiveRehearsal {
  readonly rehearsal: Rehearsal;
  /** Resolves when it is over, all of it removed and its record written; never rejects. */
  readonly done: Promise<void>;
  abort(why: HoldfastError): void;
}

/** What every rehearsal of this Holdfast needs. */
export interface LiveOptions {
  config: Config;
  /** Where copies may live: the server's user must be able to enter it. */
  scratchHome: string;
  embedded: boolean;
  repository: Pick<BackupRepository, "pathOf">;
  /** The backup to restore; undefined: there is none yet, and none was named. */
  findBase(facts: ServerFacts, id: string | undefined): Promise<BackupRecord | undefined>;
  /** Takes a base backup and answers it; undefined where none can be taken. */
  takeBase(facts: ServerFacts, signal: AbortSignal): Promise<BackupRecord | undefined>;
  /** How the production server is reached, for pg_dump. */
  target: Target;
  clock: Clock;
  log: Logger;
}

interface OneOptions extends LiveOptions {
  facts: ServerFacts;
  base: BackupRecord | undefined;
  rehearsal: Rehearsal;
  change: Change;
  workload: readonly GivenStatement[] | undefined;
  profile: RehearsalProfile;
  openProduction(statementTimeoutMs?: number): Sql;
  save(rehearsal: Rehearsal): Promise<void>;
  publish(rehearsal: Rehearsal): void;
  release(): Promise<void>;
}

/** Progress inside of a status goes out this often; milliseconds. */
const publishMs = 1_000;
/** Room that a change must leave on the disk; below it the rehearsal ends. */
const reserveBytes = 256 * 1024 * 1024;
const diskCheckMs = 1_000;

/** Starts a rehearsal whose lock is held; from here on it cleans up after itself whatever happens. */
export function createLiveRehearsal(options: OneOptions): LiveRehearsal {
  const controller = new AbortController();
  const { rehearsal, log } = options;
  const done = live(options, controller)
    .catch((error) => log.error("rehearsal_broken", { rehearsal: rehearsal.id, error }));
  return { rehearsal, done, abort: (why) => controller.abort(why) };
}

async function live(options: OneOptions, controller: AbortController): Promise<void> {
  const { rehearsal, clock, log, save, publish, release } = options;
  let publishedAt = 0;
  const move = (event: RehearsalEvent) => {
    rehearsal.status = nextStatus(rehearsal.status, event);
    rehearsal.step = null;
  };
  const advance = async () => {
    controller.signal.throwIfAborted();
    move("step_finished");
    await save(rehearsal).catch((error) =>
      log.warn("rehearsal_not_saved", { rehearsal: rehearsal.id, error: messageOf(error) })
    );
    publish(rehearsal);
  };
  const onStep = (step: string) => {
    rehearsal.step = step;
    if (performance.now() - publishedAt < publishMs) return;
    publishedAt = performance.now();
    publish(rehearsal);
  };
  try {
    await work(options, { controller, advance, onStep });
    move("step_finished");
  } catch (error) {
    const { reason } = controller.signal;
    const aborted = controller.signal.aborted && !(isFailure(reason));
    move(aborted ? "abort" : "failure");
    rehearsal.verdict = null;
    rehearsal.summary = null;
    rehearsal.problems.push(wordsFor(controller.signal.aborted ? reason : error));
    if (!aborted) {
      log.warn("rehearsal_failed", { rehearsal: rehearsal.id, error: messageOf(error) });
    }
  } finally {
    rehearsal.finished_at = clock.now().toISOString();
    await save(rehearsal).catch((error) =>
      log.warn("rehearsal_not_saved", { rehearsal: rehearsal.id, error: messageOf(error) })
    );
    await release();
    const { id, status, verdict } = rehearsal;
    log.info("rehearsal_finished", { rehearsal: id, status, verdict });
    publish(rehearsal);
  }
}

/** An abort of our own, because the disk is full or a copy's server has gone, is a failure. */
const isFailure = (reason: unknown) =>
  reason instanceof HoldfastError &&
  (reason.code === "storage_full" || reason.code === "database_unavailable");

function wordsFor(error: unknown): string {
  if (error instanceof HoldfastError) return error.message;
  return isUnreachable(error)
    ? `A server went away: ${describeDatabaseError(error)}`
    : describeDatabaseError(error);
}

async function work(
  options: OneOptions,
  { controller, advance, onStep }: {
    controller: AbortController;
    advance(): Promise<void>;
    onStep(step: string): void;
  },
): Promise<void> {
  const { rehearsal, change, facts, profile, config, clock, log, scratchHome } = options;
  const { signal } = controller;
  const { problems } = rehearsal;
  await advance();
  const production = options.openProduction();
  const sessions = watchSessions(production);
  let copies: CopyPair | undefined;
  let diskTimer: ReturnType<typeof setInterval> | undefined;
  try {
    const top = options.workload ? [] : await readTop(production, problems);
    const planSettings = await readPlanSettings(production);
    if (!options.base) onStep("taking a backup: there was none");
    const base = options.base ?? await options.takeBase(facts, signal);
    const sampled = base ? undefined : sampledSource({
      target: options.target,
      facts,
      budgetBytes: profile.sampleBytes,
      openProduction: () => options.openProduction(profile.changeMs),
    });
    const place = placeOfCopies(scratchHome, facts.system);
    diskTimer = setInterval(() => void checkDisk(dirname(place.root), controller), diskCheckMs);
    copies = await makeCopies({
      source: base
        ? physicalSource(base, { repository: options.repository, role: facts.role })
        : sampled!,
      place,
      planSettings,
      prepare: (admin) => prepareCopy(admin, { problems, signal }),
      onStep,
      onLost: (arm) =>
        controller.abort(
          new HoldfastError("database_unavailable", `The server of copy ${arm} went away`),
        ),
      signal,
    });
    rehearsal.copy = {
      kind: base ? "physical" : "sampled",
      backup: base?.id ?? null,
      taken_at: base?.finished_at ?? base?.started_at ?? clock.now().toISOString(),
      server_version: facts.version,
      bytes: await sizeOf(place.data("a")),
      sample_share: sampled?.sample.share ?? 1,
    };
    if (sampled) problems.push(sampleNote(sampled.sample.share), ...sampled.sample.problems);
    const selection = options.workload
      ? selectGiven(options.workload)
      : selectTop(top, sessions.all(), profile.statements);
    sessions.stop();
    await production.end({ timeout: 1 }).catch(() => {});
    await advance();
    const run = runRehearsal(rehearsal, {
      copies,
      change,
      selection,
      profile,
      convert: createConvert({ copies, config, clock, log }),
      signal,
      advance,
      onStep,
    });
    // What waits for a server that has gone may wait for ever.
    await unlessAborted(signal, run);
  } finally {
    sessions.stop();
    clearInterval(diskTimer);
    await production.end({ timeout: 1 }).catch(() => {});
    await copies?.remove();
  }
}

/** Ends the rehearsal before it fills a disk that production may share. */
async function checkDisk(path: string, controller: AbortController): Promise<void> {
  const found = await statfs(path).catch(() => undefined);
  if (!found || found.bavail * found.bsize >= reserveBytes) return;
  controller.abort(
    new HoldfastError("storage_full", "The disk had no more room for the copies: it was ended"),
  );
}
