import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Config } from "../../config/config.ts";
import { type DatabaseEntry, databasesMax, withDatabase } from "../../config/databases.ts";
import { connectSql } from "../../db/connection.ts";
import { locationOf, type Target, targetOf } from "../../db/address/target.ts";
import { listDatabases } from "../../db/server/databases.ts";
import { messageOf, StartError } from "../../errors.ts";
import { endsWithin, orTimeout } from "../../lib/deadline.ts";
import { createLimiter } from "../../lib/limiter.ts";
import { createLoop, type Loop } from "../../lib/loop.ts";
import type { Logger } from "../../log.ts";
import type { DatabaseMember } from "../../services/databases/members.ts";
import type { DatabaseSummary } from "../../services/databases/summary.ts";
import type { Holdfast } from "../holdfast.ts";

/** The further databases of one process, each looked after by a Holdfast of its own. */
export interface Fleet {
  find(name: string): Pick<Holdfast, "handle"> | undefined;
  members(): DatabaseMember[];
  /** Begins with a few at once and does not wait for them: one that is slow or unreachable holds up the next for seconds only. */
  start(): void;
  everyMinute(): Promise<void>;
  everyHour(): Promise<void>;
  closeLive(): void;
  /** Stops all at once, and after `withinMs` without waiting for the rest. */
  stop(withinMs: number): Promise<void>;
}

type NamedDatabase = Pick<DatabaseEntry, "name" | "url">;

interface Member {
  entry: NamedDatabase;
  holdfast?: Holdfast;
  /** Why it could not be started when last tried. */
  problem?: string;
  /** Resolves once it is started, or will not be. */
  started: Promise<void>;
}

const discoverMs = 30_000;
/** Longest wait for the list of a server's databases: one that hangs must not end the discovery; milliseconds. */
const listMs = 10_000;
/** How long after a failed start the next one begins; milliseconds. */
export const retryMs = 30_000;
/** How many databases are started, or have their regular jobs done, at once: each needs several connections meanwhile. */
const atOnce = 8;
/** After this time a database no longer holds up those that wait for it; milliseconds. */
const slotMs = 5_000;

/** Returns the settings of a further database: its own address and folder, and no server of its own. */
function configOf(config: Config, { name, url }: NamedDatabase): Config {
  const bucket = config.HOLDFAST_S3_URL === undefined ? undefined : new URL(config.HOLDFAST_S3_URL);
  if (bucket) bucket.pathname = `${bucket.pathname.replace(/\/$/, "")}/databases/${name}`;
  return {
    ...config,
    DATABASE_URL: url,
    databases: [],
    HOLDFAST_READ_URLS: [],
    HOLDFAST_DATA_DIR: join(config.HOLDFAST_DATA_DIR, "databases", encodeURIComponent(name)),
    HOLDFAST_S3_URL: bucket?.toString(),
    HOLDFAST_ARCHIVE_DIR: config.HOLDFAST_ARCHIVE_DIR === undefined
      ? undefined
      : join(config.HOLDFAST_ARCHIVE_DIR, encodeURIComponent(name)),
  };
}

/**
 * Throws a StartError where a database is listed twice: both Holdfasts would have one name, so both would hold its lease.
 * `taken` are the names of the databases that are looked after, by location; the listed ones are added.
 */
function takeListed(
  entries: readonly DatabaseEntry[],
  variables: Config["libpqVariables"],
  taken: Map<string, string>,
): void {
  for (const { name, url } of entries.filter(({ discover }) => discover === false)) {
    const location = locationOf({ kind: "url", url, env: variables });
    if (location === undefined) continue;
    const other = taken.get(location);
    if (other !== undefined) {
      throw new StartError(
        `HOLDFAST_DATABASES lists ${JSON.stringify(name)}, which is the database of ${
          JSON.stringify(other)
        }; allowed: each database once`,
      );
    }
    taken.set(location, name);
  }
}

/** Returns the summary of a database whose Holdfast does not stand yet. */
const unstarted = ({ entry, problem }: Member): DatabaseSummary => ({
  name: entry.name,
  status: problem === undefined ? "unknown" : "unhealthy",
  engine: null,
  version: null,
  role: null,
  reasons: [problem === undefined ? "preparation: it is being started" : `preparation: ${problem}`],
  alerts_firing: 0,
  age_ms: null,
});

/**
 * Creates the fleet of `entries`, besides the `first` database of the process; `create` makes the Holdfast of one. Throws a
 * StartError where a database is listed twice.
 */
export function createFleet(
  { entries, first, config, create, log }: {
    entries: readonly DatabaseEntry[];
    first: { name: string; target: Target };
    config: Config;
    create(name: string, config: Config): Promise<Holdfast>;
    log: Logger;
  },
): Fleet {
  const members = new Map<string, Member>();
  const stopping = new AbortController();
  const taken = new Map<string, string>();
  let hasRefused = false;
  const limited = createLimiter({ max: atOnce, slotMs });

  const firstLocation = locationOf(first.target);
  if (firstLocation !== undefined) taken.set(firstLocation, first.name);
  takeListed(entries, config.libpqVariables, taken);

  async function startOnce(member: Member): Promise<void> {
    if (stopping.signal.aborted) return;
    member.holdfast ??= await create(member.entry.name, configOf(config, member.entry));
    await member.holdfast.start(stopping.signal);
    delete member.problem;
  }

  async function run(member: Member): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        return await limited(() => startOnce(member));
      } catch (error) {
        member.problem = messageOf(error);
        log.error("database_not_started", { database: member.entry.name, error: member.problem });
      }
      await delay(retryMs, undefined, { signal: stopping.signal }).catch(() => {});
    }
  }

  function add(entry: NamedDatabase): void {
    if (entry.name === first.name || members.has(entry.name)) return;
    if (members.size >= databasesMax) {
      if (!hasRefused) log.error("database_left_out", { database: entry.name, max: databasesMax });
      hasRefused = true;
      return;
    }
    const member: Member = { entry, started: Promise.resolve() };
    members.set(entry.name, member);
    member.started = run(member);
  }

  /** Adds a database that was found on a server, unless it is looked after already. */
  function addFound(entry: NamedDatabase): void {
    const location = locationOf({ kind: "url", url: entry.url, env: config.libpqVariables });
    if (location !== undefined && taken.has(location)) return;
    if (location !== undefined) taken.set(location, entry.name);
    add(entry);
  }

  async function discoverOn({ name, url, discover }: DatabaseEntry): Promise<void> {
    let sql: ReturnType<typeof connectSql> | undefined;
    try {
      sql = connectSql({
        target: targetOf(url, config.libpqVariables),
        max: 1,
        applicationName: "holdfast-discovery",
        statementTimeoutMs: 5_000,
        lockTimeoutMs: 1_000,
        pooled: config.HOLDFAST_POOLER === "transaction",
      });
      const late = () => new Error(`The server did not list its databases within ${listMs} ms`);
      const found = await orTimeout(listDatabases(sql), listMs, late);
      const excluded = new Set(typeof discover === "object" ? discover.exclude : []);
      for (const database of found.filter((one) => !excluded.has(one))) {
        addFound({ name: `${name}.${database}`, url: withDatabase(url, database) });
      }
    } catch (error) {
      log.warn("databases_not_discovered", { server: name, error: messageOf(error) });
    } finally {
      await sql?.end({ timeout: 1 });
    }
  }

  const discovering = entries.filter(({ discover }) => discover !== false);
  const discovery: Loop = createLoop({
    name: "discover_databases",
    everyMs: discovering.length > 0 ? discoverMs : 0,
    log,
    job: async () => {
      await Promise.all(discovering.map(discoverOn));
    },
  });

  const standing = () =>
    [...members.values()].flatMap(({ holdfast }) => holdfast ? [holdfast] : []);

  return {
    find: (name) => members.get(name)?.holdfast,
    members: () =>
      [...members.values()].map((member) => {
        const { entry: { name }, holdfast, problem } = member;
        if (holdfast && problem === undefined) return holdfast.member;
        const summary = () => unstarted(member);
        return { name, summary, ...(holdfast ? { services: holdfast.member.services } : {}) };
      }),
    start() {
      for (const entry of entries) if (entry.discover === false) add(entry);
      if (discovering.length > 0) discovery.start();
    },
    async everyMinute() {
      await Promise.allSettled(standing().map((one) => limited(() => one.everyMinute())));
    },
    async everyHour() {
      await Promise.allSettled(standing().map((one) => limited(() => one.everyHour())));
    },
    closeLive() {
      for (const holdfast of standing()) holdfast.closeLive();
    },
    async stop(withinMs) {
      const until = performance.now() + withinMs;
      const leftMs = () => Math.max(0, until - performance.now());
      stopping.abort();
      const end = async (member: Member) => {
        await endsWithin(member.started, leftMs());
        await member.holdfast?.stop(leftMs());
      };
      await Promise.allSettled([
        endsWithin(discovery.stop(), withinMs),
        ...[...members.values()].map(end),
      ]);
    },
  };
}
