import type { Sql } from "../../db/connection.ts";
import { findTouched, type TouchedTable } from "../../db/rehearsals/effects.ts";
import {
  findStatementsSchema,
  readSessionsStatements,
  readWorkload,
  type WorkloadRow,
} from "../../db/rehearsals/production.ts";
import {
  analyse,
  confineUsers,
  endLeftoverWork,
  listUnanalysed,
  readFileNodes,
} from "../../db/rehearsals/scratch.ts";
import { closeWaysOut } from "../../db/rehearsals/ways_out.ts";
import { describeDatabaseError } from "../../db/errors.ts";
import { createSingleFlight } from "../../lib/single_flight.ts";
import { createRandom } from "../benchmarks/measuring/random.ts";
import type { Estimate } from "../benchmarks/statistics.ts";
import { readPlans } from "./candidates/search.ts";
import { carryOut, type Convert } from "./change/carry_out.ts";
import type { CopyPair } from "./copy/pair.ts";
import type {
  Change,
  NewerPrograms,
  Rehearsal,
  StatementResult,
  Uncovered,
  UpgradeCost,
} from "./rehearsal.ts";
import { type RehearsalProfile, rehearsalProfiles } from "./replay/profiles.ts";
import type { Sessions } from "./replay/replay.ts";
import {
  measureAfter,
  measureBefore,
  type PhaseOptions,
  type Reach,
  type Rehearsed,
  tryStatement,
} from "./replay/statements.ts";
import { areWritesUntouched, compareWrites, unknownWrites, writeCostOf } from "./replay/writes.ts";
import { judgeUpgrade } from "./upgrade/judgement.ts";
import { moveToNewer } from "./upgrade/move.ts";
import { judgeChange, shorten } from "./verdict.ts";
import { createObserved, hiddenTime, type Selection } from "./workload/selection.ts";
import { changesRowSecurity, isShownByFiles } from "./replay/shown_changes.ts";
import { isShownByPlans, isUnseen } from "./replay/shown_settings.ts";
import { closedWords } from "./report/words.ts";
import { namesIn } from "./workload/sql_text.ts";
import { fillStatement } from "./workload/variants.ts";

/** Longest that missing statistics are gathered before the copies are compared; milliseconds. */
const analyseMs = 300_000;
/** Rows of pg_stat_statements that are read; shares of time refer to these. */
const workloadRows = 500;

/** Prepares the first copy: confines the roles, ends work left over from production, and gathers missing statistics. */
export async function prepareCopy(
  admin: Sql,
  { problems, signal }: { problems: string[]; signal: AbortSignal },
): Promise<void> {
  await endLeftoverWork(admin);
  await confineUsers(admin);
  problems.push(...closedWords(await closeWaysOut(admin)));
  const deadline = performance.now() + analyseMs;
  const missing = await listUnanalysed(admin);
  for (const [at, { name }] of missing.entries()) {
    signal.throwIfAborted();
    if (performance.now() > deadline) {
      problems.push(`${missing.length - at} table(s) without statistics were not analysed in time`);
      return;
    }
    await analyse(admin, name, { vacuum: false }).catch((error) =>
      problems.push(`${name} could not be analysed: ${describeDatabaseError(error)}`)
    );
  }
}

/** Samples the statements of the production server's sessions a few times per second, until stopped. */
export function watchSessions(production: Sql) {
  const observed = createObserved();
  // One at a time: on a slow server, reads would queue up in the driver without limit.
  const read = createSingleFlight(async () =>
    observed.note(await readSessionsStatements(production).catch(() => []))
  );
  const timer = setInterval(() => void read(), 300);
  return {
    all: observed.all,
    stop: () => clearInterval(timer),
  };
}

/** Reads the statements that took most time on the production server; called before the copying adds its own. */
export async function readTop(production: Sql, problems: string[]): Promise<WorkloadRow[]> {
  const schema = await findStatementsSchema(production);
  if (schema !== undefined) {
    const rows = await readWorkload(production, schema, workloadRows);
    const hidden = hiddenTime(rows);
    if (hidden > 0) {
      problems.push(
        `Statements with ${
          Math.ceil(hidden / rows.reduce((sum, { total_ms }) => sum + total_ms, 0) * 100)
        } % of the time of pg_stat_statements are hidden from this role and are not replayed: grant it pg_read_all_stats`,
      );
    }
    return rows;
  }
  problems.push(
    "pg_stat_statements is not installed in this database: give a workload, or create the extension",
  );
  return [];
}

export interface RunOptions {
  copies: CopyPair;
  change: Change;
  selection: Selection;
  profile: RehearsalProfile;
  convert: Convert;
  signal: AbortSignal;
  /** Waits while production needs the machine. */
  giveWay(): Promise<void>;
  /** Moves on to the next status. */
  advance(): Promise<void>;
  onStep(step: string): void;
}

/** Sessions and results that the phases share. */
interface Progress {
  sessions: Sessions;
  rehearsed: Rehearsed[];
  tables: TouchedTable[];
  writesBefore: Estimate | null;
}

/** Measures, makes the change, measures again and judges; writes the results into `rehearsal`. The copies are running. */
export async function runRehearsal(rehearsal: Rehearsal, options: RunOptions): Promise<void> {
  const { copies, change, profile, signal, advance, onStep } = options;
  if ("sql" in change && changesRowSecurity(change.sql)) {
    rehearsal.problems.push(
      "Statements are replayed without row security: what policies cost them is not measured",
    );
  }
  let sessions = await openSessions(copies, profile);
  try {
    const rehearsed = await warmUp(rehearsal, sessions, options);
    const phase: PhaseOptions = {
      profile,
      seed: rehearsal.seed,
      alpha: 0.05 / Math.max(1, rehearsed.length + 1),
      signal,
    };
    await advance();
    const tables = await touchedTables(sessions.candidate, change);
    const progress: Progress = { sessions, rehearsed, tables, writesBefore: null };
    for (const [at, statement] of rehearsed.entries()) {
      await options.giveWay();
      onStep(`statement ${at + 1} of ${rehearsed.length}`);
      await measureBefore(sessions, statement, phase);
    }
    progress.writesBefore = await compareWrites(sessions, tables, null, {
      ...phase,
      phase: "before",
    });
    weigh(rehearsed);
    onStep("reading plans");
    rehearsal.candidates = await readPlans(sessions.baseline, rehearsed, {
      total: totalWeight(rehearsal, rehearsed, options.selection),
      signal,
    });
    await advance();
    await closeSessions(sessions);
    await makeChange(rehearsal, tables, options);
    // Cached and unwritten pages of the change would favour one of the copies.
    if (change.source !== "settings") await copies.restart({});
    progress.sessions = sessions = await openSessions(copies, profile);
    await advance();
    const { writesUntouched } = await measureChanged(rehearsal, progress, phase, options);
    const unseen = unseenOf(change);
    Object.assign(
      rehearsal,
      judgeChange({ ...rehearsal, unseen, writesUntouched }),
      judgeUpgrade(rehearsal),
    );
  } finally {
    await closeSessions(sessions);
  }
}

/** Makes the change on the second copy. */
async function makeChange(
  rehearsal: Rehearsal,
  tables: readonly TouchedTable[],
  { copies, change, profile, convert, signal, giveWay, onStep }: RunOptions,
): Promise<void> {
  await giveWay();
  if (change.source === "upgrade") {
    rehearsal.upgrade = await upgradeCopy(copies, change.programs, { signal, onStep });
    return;
  }
  rehearsal.cost = await carryOut(copies, change, {
    tables,
    convert,
    changeMs: profile.changeMs,
    signal,
  });
}

/** Returns the changed settings that nothing of a replay depends on. */
const unseenOf = (change: Change) =>
  change.source === "settings" ? Object.keys(change.settings).filter(isUnseen) : [];

async function openSessions(copies: CopyPair, profile: RehearsalProfile): Promise<Sessions> {
  const how = { statementTimeoutMs: profile.statementMs, lockTimeoutMs: 10_000 };
  return { baseline: await copies.open("a", how), candidate: await copies.open("b", how) };
}

async function closeSessions({ baseline, candidate }: Sessions): Promise<void> {
  await Promise.all([baseline, candidate].map((sql) => sql.end({ timeout: 0 }).catch(() => {})));
}

/** Fills in parameters and runs everything once; lists what cannot be replayed, with the reason. */
async function warmUp(
  rehearsal: Rehearsal,
  sessions: Sessions,
  { selection, profile, signal, giveWay, onStep }: RunOptions,
): Promise<Rehearsed[]> {
  const random = createRandom(rehearsal.seed);
  const { wanted, total } = selection;
  const rehearsed: Rehearsed[] = [];
  const noteUncovered = (one: Uncovered) => rehearsal.uncovered.push(one);
  for (const [at, one] of wanted.entries()) {
    signal.throwIfAborted();
    await giveWay();
    onStep(`statement ${at + 1} of ${wanted.length}`);
    const share = total && one.weight ? one.weight / total : 0;
    const filled = await fillStatement(sessions.baseline, one, { random, count: profile.variants });
    if ("reason" in filled) {
      noteUncovered({ query: one.query, share, reason: filled.reason });
      continue;
    }
    const tried = await tryStatement(sessions, filled.statement, { profile, signal });
    if ("reason" in tried) {
      noteUncovered({ query: one.query, share, reason: tried.reason });
      continue;
    }
    rehearsed.push(tried.rehearsed);
    const given = one.given?.length ?? 0;
    const left = tried.left ??
      (given > profile.variants
        ? `only the first ${profile.variants} of ${given} given sets of values are replayed; the profile full takes ${rehearsalProfiles.full.variants}`
        : undefined);
    if (left) rehearsal.problems.push(`"${shorten(one.query)}": ${left}`);
  }
  noteCoverage(rehearsal, selection, rehearsed);
  return rehearsed;
}

function noteCoverage(rehearsal: Rehearsal, { wanted, total }: Selection, found: Rehearsed[]) {
  const weights = found.reduce((sum, { weight }) => sum + (weight ?? 0), 0);
  rehearsal.coverage = {
    statements: found.length,
    of: wanted.length,
    time_share: total === null
      ? found.length / Math.max(1, wanted.length)
      : total > 0
      ? weights / total
      : 0,
  };
}

/** Weighs statements of unknown total time by the time of one execution. */
function weigh(rehearsed: readonly Rehearsed[]): void {
  for (const statement of rehearsed) statement.weight ??= statement.beforeMs ?? 0;
}

/** Returns the weight of all statements, replayed or not. */
function totalWeight(
  { coverage }: Rehearsal,
  rehearsed: readonly Rehearsed[],
  { total }: Selection,
): number {
  const weights = rehearsed.reduce((sum, { weight }) => sum + (weight ?? 0), 0);
  // The time of given statements that could not be replayed is unknown: each counts as much as the others.
  return total ?? weights / Math.max(coverage.time_share, 0.001);
}

async function touchedTables(sql: Sql, change: Change): Promise<TouchedTable[]> {
  if (change.source === "settings" || change.source === "upgrade") return [];
  const names = change.source === "policy"
    ? [{
      schema: change.table.slice(0, change.table.indexOf(".")),
      name: change.table.slice(change.table.indexOf(".") + 1),
    }]
    : namesIn(change.sql);
  return await findTouched(sql, names);
}

async function measureChanged(
  rehearsal: Rehearsal,
  { sessions, rehearsed, tables, writesBefore }: Progress,
  phase: PhaseOptions,
  { copies, change, selection, giveWay, onStep }: RunOptions,
): Promise<{ writesUntouched: boolean }> {
  const [old, fresh] = [await nodesOf(copies, "a"), await nodesOf(copies, "b")];
  const reach = reachOf(change, (name) => old.get(name) !== fresh.get(name));
  const total = totalWeight(rehearsal, rehearsed, selection);
  for (const [at, statement] of rehearsed.entries()) {
    await giveWay();
    onStep(`statement ${at + 1} of ${rehearsed.length}`);
    const result: StatementResult = await measureAfter(sessions, statement, {
      ...phase,
      reach,
    });
    rehearsal.statements.push({
      ...result,
      share: total > 0 ? (statement.weight ?? 0) / total : 0,
    });
  }
  const writesAfter = tables.length > 0
    ? await compareWrites(sessions, tables, writesBefore, { ...phase, phase: "after" })
    : null;
  if (rehearsal.cost) {
    Object.assign(
      rehearsal.cost,
      tables.length > 0 ? writeCostOf(writesAfter, writesBefore) : unknownWrites,
    );
  }
  return {
    writesUntouched: reach.kind === "files" && await areWritesUntouched(sessions, tables),
  };
}

/** Returns what a change can have done to statements; `wasRewritten` compares the files of relations. */
export function reachOf(change: Change, wasRewritten: (relation: string) => boolean): Reach {
  switch (change.source) {
    case "settings":
      return {
        kind: "settings",
        shownByPlans: Object.keys(change.settings).every(isShownByPlans),
      };
    case "upgrade":
      return { kind: "version" };
    default:
      return change.source === "policy" || isShownByFiles(change.sql)
        ? { kind: "files", wasRewritten }
        : { kind: "content" };
  }
}

/** Moves copy `b` to a newer version, and returns what the move took. */
async function upgradeCopy(
  copies: CopyPair,
  { major, pgDump }: NewerPrograms,
  { signal, onStep }: Pick<RunOptions, "signal" | "onStep">,
): Promise<UpgradeCost> {
  const { database, place } = copies;
  return await copies.replaceB((servers) =>
    moveToNewer({ servers, database, pgDump, folder: place.root, to: major, signal, onStep })
  );
}

async function nodesOf(copies: CopyPair, arm: "a" | "b"): Promise<Map<string, string>> {
  const admin = copies.openAdmin(arm);
  try {
    return await readFileNodes(admin);
  } finally {
    await admin.end({ timeout: 0 }).catch(() => {});
  }
}
