import { bucketOf } from "../app/backups.ts";
import { type Config, unknownSettings } from "../config/config.ts";
import { addressLabel } from "../db/address/address.ts";
import { addressOf, type Target, targetOf } from "../db/address/target.ts";
import type { Sql } from "../db/connection.ts";
import { probeReplication, type ReplicationRefusal } from "../db/backups/walsender.ts";
import { createEmbeddedServer } from "../db/embedded/server.ts";
import { codeOf, describeDatabaseError } from "../db/errors.ts";
import { type Examined, examineServer } from "../db/server/examine.ts";
import {
  describeOwnPublication,
  listOwnPublications,
  type OwnPublication,
} from "../db/partitions/catalogue/publications.ts";
import { createPool } from "../db/pool/pool.ts";
import {
  examineSource,
  examineWriting,
  mayTryWriting,
  tryWriting,
} from "../db/server/write_state.ts";
import { type EngineFacts, readEngine, whyNotEngine } from "../db/server/engine.ts";
import { readTraits, whyUnfit } from "../db/server/requirements.ts";
import { messageOf } from "../errors.ts";
import { buildRules, checkChannelRules } from "../services/alerts/rules/overrides.ts";
import { findWeaknesses } from "../services/auth/weaknesses.ts";
import { readStorage, recordsOf } from "../services/backups/s3/fetch.ts";
import { checkTargets } from "../services/benchmarks/categories.ts";
import {
  type Finding as WriteFinding,
  findingOf,
  readOnlyDefault,
  standby,
} from "../services/monitor/write_access/state.ts";
import { whyUnusable } from "../services/rehearsals/upgrade/programs.ts";
import { readArguments, refusePositionals } from "./common/arguments.ts";
import type { CommandContext } from "./serve.ts";

/** A finding: ok, not ok, or a note. */
interface Finding {
  ok: boolean | "note";
  what: string;
}

const good = (what: string): Finding => ({ ok: true, what });
const bad = (what: string): Finding => ({ ok: false, what });
const note = (what: string): Finding => ({ ok: "note", what });

/** Says whether base backups are possible; otherwise backups are logical. */
function replication(
  { role, replicates, senders, wal_level }: Examined,
  refusal: ReplicationRefusal | undefined,
): Finding {
  const only = "until then only logical backups are possible";
  if (senders === 0) return note(`max_wal_senders is 0: ${only}`);
  if (wal_level === "minimal") return note(`wal_level is minimal: ${only}`);
  if (!replicates) {
    return note(`role ${role} may not replicate: alter role ${role} replication; ${only}`);
  }
  if (!refusal) return good(`role ${role} can stream base backups`);
  const why = refusal.pooler
    ? "base backups are not possible through a pooler; point DATABASE_URL to the server itself"
    : 'the server refuses replication from this host; pg_hba.conf needs a line "replication"';
  return note(`${why} (${refusal.code}: ${refusal.message}); ${only}`);
}

/**
 * Says whether the server accepts writes, and otherwise the reason and the remedy. When nothing else prevents it, writes a
 * few pages to Holdfast's schema and rolls them back, because only that detects a full disk.
 */
async function judgeWriting(sql: Sql): Promise<Finding[]> {
  const facts = await examineWriting(sql);
  if (facts.in_recovery) {
    const { reason, remedy } = standby(await examineSource(sql));
    return [note(`${reason}; Holdfast only monitors it. ${remedy}`)];
  }
  const describe = (finding: WriteFinding) => bad(`${finding.reason}. ${finding.remedy}`);
  if (facts.read_only) return [describe(readOnlyDefault(facts))];
  if (!await mayTryWriting(sql)) return [good("it takes writes")];
  try {
    await tryWriting(sql);
    return [good("it takes writes")];
  } catch (error) {
    const finding = findingOf(codeOf(error), facts);
    return [
      finding ? describe(finding) : bad(`a trial write failed: ${describeDatabaseError(error)}`),
    ];
  }
}

/** Returns the findings about a server. */
function judge(
  server: Examined,
  writing: readonly Finding[],
  refusal: ReplicationRefusal | undefined,
): Finding[] {
  const { role, database, encoding } = server;
  const supported = server.number >= 140_000 && server.number < 190_000;
  return [
    (supported ? good : bad)(`Postgres ${server.version} (supported: 14 to 18)`),
    encoding === "UTF8"
      ? good("the database is in UTF8")
      : note(`the database is in ${encoding}: foreign text that is not UTF-8 is shown as \uFFFD`),
    ...writing,
    ...(server.ids_left < 40_000_000
      ? [
        bad(
          `only ${
            Math.max(0, server.ids_left)
          } transaction ids are left before the server refuses writes: end old and prepared transactions, drop unused slots, and run vacuum (freeze)`,
        ),
      ]
      : []),
    server.creates
      ? good(`role ${role} may create the schemas market and holdfast in ${database}`)
      : bad(
        `role ${role} may not create its schemas: grant create on database ${database} to ${role}`,
      ),
    server.monitors
      ? good(`role ${role} sees all sessions`)
      : note(`role ${role} does not see all sessions: grant pg_monitor to ${role}`),
    replication(server, refusal),
    server.superuser
      ? note("the role is a superuser, which Holdfast does not need")
      : good("the role is not a superuser"),
    server.statements === null
      ? note("this role cannot see whether pg_stat_statements is preloaded")
      : server.statements
      ? good("pg_stat_statements is preloaded")
      : note("pg_stat_statements is not preloaded: statements cannot be analysed"),
    (server.checksums === "on" ? good : note)(`data checksums are ${server.checksums}`),
    (server.fsync === "on" ? good : bad)(`fsync is ${server.fsync}`),
  ];
}

/** Says what the database is besides plain Postgres. */
function judgeEngine({ engine, version, node }: EngineFacts): Finding[] {
  if (engine === "postgres") return [];
  if (engine === "timescaledb") return [note(`the database has TimescaleDB ${version}`)];
  return [
    node === null
      ? note(
        `the database has Citus ${version}; this role may not read pg_dist_local_group, so whether it is the coordinator is unknown`,
      )
      : good(`the server is the ${node} of Citus ${version}`),
    note(
      "backups cover this server alone, without the rows of distributed tables: back up each worker, too",
    ),
  ];
}

/** Returns findings on publications that include Holdfast's own tables. */
function judgePublications(publications: readonly OwnPublication[]): Finding[] {
  return publications.map((one) =>
    (one.slots.length > 0 ? bad : note)(
      `${
        describeOwnPublication(one)
      }: publish tables or schemas by name, or create the schemas market and holdfast at the subscriber too`,
    )
  );
}

/** Says whether the upgrade that the settings name can be rehearsed on this server's version. */
export async function judgeUpgrade(
  { HOLDFAST_REHEARSE_UPGRADE_BIN: bin, HOLDFAST_REHEARSE_AFTER_DRILL: afterDrill }: Pick<
    Config,
    "HOLDFAST_REHEARSE_UPGRADE_BIN" | "HOLDFAST_REHEARSE_AFTER_DRILL"
  >,
  version: number,
): Promise<Finding[]> {
  if (bin === undefined) return [];
  const setting = `HOLDFAST_REHEARSE_UPGRADE_BIN=${bin}`;
  if (!afterDrill) {
    return [note(`${setting} has no effect without HOLDFAST_REHEARSE_AFTER_DRILL=1`)];
  }
  const reason = await whyUnusable(bin, Math.floor(version / 10_000));
  return [
    reason === undefined
      ? good(`${setting}: the upgrade is rehearsed after each restore drill`)
      : bad(`${setting}: the upgrade is not rehearsed: ${reason}`),
  ];
}

async function examine(
  target: Target,
  config: Config,
): Promise<Finding[]> {
  const pooled = config.HOLDFAST_POOLER === "transaction";
  const pooler = { pooled };
  const pool = createPool({
    target,
    pooler,
    max: 1,
    waitingMax: 1,
    applicationName: "holdfast-doctor",
    statementTimeoutMs: 5_000,
    lockTimeoutMs: 1_000,
  });
  try {
    const engine = await pool.run(readEngine);
    const unfit = whyNotEngine(engine, config.HOLDFAST_ENGINE) ??
      whyUnfit(await pool.run(readTraits));
    if (unfit !== undefined) return [bad(unfit)];
    const server = await pool.run(examineServer);
    const refusal = server.replicates && server.senders > 0
      ? await probeReplication(target, { system: server.system })
      : undefined;
    const findings = [
      ...judgeEngine(engine),
      ...judge(server, await pool.run(judgeWriting), refusal),
      ...judgePublications(await pool.run(listOwnPublications)),
      ...await judgeUpgrade(config, server.number),
    ];
    return pooler.pooled
      ? [
        ...findings,
        note("a transaction pooler is in use: settings are applied in each transaction"),
      ]
      : findings;
  } catch (error) {
    return [bad(`cannot query the server: ${describeDatabaseError(error)}`)];
  } finally {
    await pool.end();
  }
}

/** Reads the backups in S3 without writing anything. */
async function examineStorage(config: Config): Promise<Finding[]> {
  const bucket = bucketOf(config);
  if (!bucket) return [];
  console.log(`Copies of backups in ${bucket.where}`);
  try {
    const { length } = recordsOf(await readStorage(bucket, AbortSignal.timeout(60_000)));
    return [good(`it can be read; whole backups there: ${length}`)];
  } catch (error) {
    return [bad(messageOf(error))];
  }
}

/** Returns weaknesses of the access control. */
async function examineAccess(config: Config): Promise<Finding[]> {
  const weaknesses = await findWeaknesses(config, new Date());
  return weaknesses.map(({ serious, what }) => (serious ? bad : note)(what));
}

/** Prints findings and returns the exit code. */
function print(findings: readonly Finding[]): number {
  for (const { ok, what } of findings) {
    console.log(`  ${ok === true ? "✓" : ok === "note" ? "–" : "✗"}  ${what}`);
  }
  return findings.some(({ ok }) => ok === false) ? 1 : 0;
}

/** Runs `deno task doctor`: checks settings, access, storage and server; changes nothing. */
export async function doctor(
  { config, log, runtime }: CommandContext,
  args: string[],
): Promise<number> {
  const { values, positionals } = readArguments("doctor", args, {});
  if (values.help) {
    console.log(
      "deno task doctor     checks settings, access, storage and server; changes nothing",
    );
    return 0;
  }
  refusePositionals("doctor", positionals);
  // These throw for what does not exist.
  buildRules(config.HOLDFAST_PROFILE, config.alertOverrides);
  checkChannelRules(config.HOLDFAST_CHANNELS);
  checkTargets(config.HOLDFAST_BENCH_TARGETS);
  console.log(`Settings are valid (profile ${config.HOLDFAST_PROFILE})`);
  print(
    unknownSettings(runtime.env()).map((name) =>
      note(`${name} is not a setting of Holdfast and has no effect`)
    ),
  );
  const weak = print(await examineAccess(config));
  const storage = print(await examineStorage(config)) || weak;
  let target: Target;
  if (config.DATABASE_URL) {
    target = targetOf(config.DATABASE_URL, config.libpqVariables);
    const address = addressOf(target);
    console.log(`Postgres at ${addressLabel(address)}`);
    if (address.remark) console.log(`  –  ${address.remark}`);
  } else {
    const embedded = await createEmbeddedServer({ dataDir: config.HOLDFAST_DATA_DIR, log });
    console.log(`Embedded Postgres in ${embedded.directory}`);
    if (!await embedded.isRunning()) {
      console.log("  –  it is not running; deno task serve starts it");
      return storage;
    }
    target = embedded.target;
    const { directory, user, database, passwordFile } = embedded.target;
    console.log(`  –  PGPASSFILE=${passwordFile} psql -h ${directory} -U ${user} ${database}`);
  }
  return print(await examine(target, config)) || storage;
}
