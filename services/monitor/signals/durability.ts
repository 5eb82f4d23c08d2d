import type { RateSource } from "../observations/rates.ts";
import type { Signal, TrendSource } from "./signal.ts";

/** Postgres refuses new transactions this many ids before the wraparound (access/transam/varsup.c). */
const reservedIds = 3_000_000;
const idSpace = 2 ** 31 - reservedIds;
/** A century stands for "never at this rate"; seconds. */
export const farOffSeconds = 100 * 365 * 86_400;

/** Returns the seconds until `left` is used up at `perSecond`, at most a century; null while the rate is unknown. */
export function secondsLeft(left: number, perSecond: number | undefined): number | null {
  if (perSecond === undefined) return null;
  if (left <= 0) return 0;
  return perSecond > 0 ? Math.min(farOffSeconds, left / perSecond) : farOffSeconds;
}

export const durabilitySignals: readonly Signal[] = [
  {
    name: "xid_age",
    unit: "count",
    collector: "wraparound",
    about:
      "Age of the oldest unfrozen transaction id of any database; writes stop near 2,144 million",
    read: ({ rows }) => rows("wraparound")?.[0]?.xid_age,
  },
  {
    name: "multixact_age",
    unit: "count",
    collector: "wraparound",
    about: "Age of the oldest multixact id of any database",
    read: ({ rows }) => rows("wraparound")?.[0]?.multixact_age,
  },
  {
    name: "xids_per_second",
    unit: "per_second",
    collector: "wraparound",
    about: "Transaction ids used; mean of the last hour",
    read: ({ rows, slope }) => rows("wraparound") && slope("next_xid"),
  },
  {
    name: "wraparound_seconds",
    unit: "seconds",
    collector: "wraparound",
    about:
      "Time until transaction or multixact ids run out at the rate of the last hour, if vacuum freezes none; at most a century",
    read({ rows, slope }) {
      const ages = rows("wraparound")?.[0];
      if (!ages) return null;
      const xid = secondsLeft(idSpace - ages.xid_age, slope("next_xid"));
      const multixact = secondsLeft(idSpace - ages.multixact_age, slope("multixact_age"));
      return xid === null || multixact === null ? null : Math.min(xid, multixact);
    },
  },
  {
    name: "xmin_horizon_age",
    unit: "count",
    collector: "xmin_horizon",
    about: "Transactions since the oldest snapshot that prevents the removal of dead rows",
    read: ({ rows, seesAll }) => {
      const holders = rows("xmin_horizon");
      return holders && seesAll ? Math.max(0, ...holders.map(({ xids }) => xids)) : null;
    },
  },
  {
    name: "oldest_prepared_transaction_seconds",
    unit: "seconds",
    collector: "xmin_horizon",
    about: "Age of the oldest prepared transaction (two-phase commit); 0 when there is none",
    read: ({ rows }) => {
      const prepared = rows("xmin_horizon")?.filter(({ kind }) => kind === "prepared transaction");
      return prepared && Math.max(0, ...prepared.map(({ seconds }) => seconds ?? 0));
    },
  },
  {
    name: "wal_bytes_per_second",
    unit: "bytes_per_second",
    collector: "wal",
    about: "WAL generated",
    read: ({ rows, rate }) => rows("wal") && rate("wal", "bytes"),
  },
  {
    name: "wal_full_pages_per_second",
    unit: "per_second",
    collector: "wal",
    about: "Full page images in the WAL: pages modified for the first time after a checkpoint",
    read: ({ rows, rate }) => rows("wal") && rate("wal", "full_pages"),
  },
  {
    name: "checkpoints_requested_per_hour",
    unit: "per_hour",
    collector: "checkpoints",
    about:
      "Checkpoints requested before checkpoint_timeout, mostly because of max_wal_size; mean of the last hour",
    read: ({ rows, slope }) => {
      const perSecond = rows("checkpoints") && slope("checkpoints_requested");
      return perSecond === undefined ? null : perSecond * 3_600;
    },
  },
  {
    name: "checkpoints_timed_per_hour",
    unit: "per_hour",
    collector: "checkpoints",
    about: "Checkpoints started by checkpoint_timeout; mean of the last hour",
    read: ({ rows, slope }) => {
      const perSecond = rows("checkpoints") && slope("checkpoints_timed");
      return perSecond === undefined ? null : perSecond * 3_600;
    },
  },
  {
    name: "archiver_failing",
    unit: "flag",
    collector: "archiver",
    about: "1 when the last attempt to archive a WAL segment failed; 0 also where archiving is off",
    read: ({ rows }) => {
      const archiver = rows("archiver")?.[0];
      return archiver && Number(archiver.enabled && archiver.failing);
    },
  },
  {
    name: "archiver_failures_per_second",
    unit: "per_second",
    collector: "archiver",
    about: "Failed attempts to archive a WAL segment",
    read: ({ rows, rate }) => rows("archiver") && rate("archiver", "failed"),
  },
];

export const durabilityRates: readonly RateSource[] = [
  { collector: "wal", columns: ["bytes", "full_pages"] },
  { collector: "archiver", columns: ["failed"] },
];

const hourMs = 3_600_000;

export const durabilityTrends: readonly TrendSource[] = [
  {
    collector: "wraparound",
    windowMs: hourMs,
    points: ({ rows }) =>
      rows("wraparound")?.flatMap(({ next_xid, multixact_age, oldest_multixact }) => [
        { name: "next_xid", value: next_xid, counter: true },
        { name: "multixact_age", value: multixact_age, epoch: oldest_multixact },
      ]),
  },
  {
    collector: "checkpoints",
    windowMs: hourMs,
    points: ({ rows }) =>
      rows("checkpoints")?.flatMap(({ timed, requested, stats_reset: epoch }) => [
        { name: "checkpoints_timed", value: timed, counter: true, epoch },
        { name: "checkpoints_requested", value: requested, counter: true, epoch },
      ]),
  },
];
