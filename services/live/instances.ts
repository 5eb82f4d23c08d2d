import { listInstances, noteInstance, removeInstance } from "../../db/live/instances.ts";
import type { RecordsDb } from "../../db/records/records.ts";
import { messageOf } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import type { Clock } from "../../lib/clock.ts";
import { orTimeout } from "../../lib/deadline.ts";
import { createLoop } from "../../lib/loop.ts";
import type { WriteAccess } from "../monitor/write_access/access.ts";

/** One Holdfast on the database; times are RFC 3339. */
export interface Instance {
  id: string;
  version: string;
  since: string;
  last_seen_at: string;
  /** Whether it was seen within the last seconds. */
  alive: boolean;
  /** Scheduled work that this instance does for all. */
  leads: "alerts"[];
}

export interface Instances {
  /** Returns the instances seen within a day; only this one where the database does not answer. */
  list(): Promise<{ instances: Instance[]; complete: boolean }>;
  start(): void;
  stop(): Promise<void>;
}

/** How long a list waits for the database. */
const answerMs = 1_000;
const tooLate = () => new Error("The database did not answer in time");
const beatMs = 5_000;
/** Three heartbeats; without one in that time an instance counts as gone. */
const aliveMs = 3 * beatMs;
/** The first heartbeat may find the row of an earlier start, and another one that of a clock that was set. */
const sharedBeats = 3;

const leadsOf = (judges: boolean): Instance["leads"] => judges ? ["alerts"] : [];

/** Writes a heartbeat of this Holdfast every few seconds, and lists all Holdfasts on the database. */
export function createInstances(
  { db, name, version, access, judges, clock, log }: {
    db: RecordsDb;
    name: string;
    version: string;
    access: Pick<WriteAccess, "canWrite" | "state">;
    /** Whether this one judges alerts for all. */
    judges: () => boolean;
    clock: Clock;
    log: Logger;
  },
): Instances {
  const startedAt = clock.now();
  const started = performance.now();
  let beaten = false;
  /** How many heartbeats in a row found that another start of this name had written meanwhile. */
  let others = 0;

  async function beat(): Promise<void> {
    if (!access.canWrite() || !access.state().schema) return;
    try {
      const upMs = performance.now() - started;
      others = await noteInstance(db, { name, version, upMs }) ? others + 1 : 0;
      beaten = true;
      if (others === sharedBeats) log.error("instance_name_shared", { instance: name });
    } catch (error) {
      log.debug("instance_not_noted", { error: messageOf(error) });
    }
  }

  const loop = createLoop({ name: "note_instance", everyMs: beatMs, job: beat, log });
  const ownself = (): Instance => ({
    id: name,
    version,
    since: startedAt.toISOString(),
    last_seen_at: clock.now().toISOString(),
    alive: true,
    leads: leadsOf(judges()),
  });

  return {
    async list() {
      if (!access.state().schema) return { instances: [ownself()], complete: false };
      try {
        const instances = (await orTimeout(listInstances(db), answerMs, tooLate)).map((
          one,
        ): Instance => ({
          id: one.name,
          version: one.version,
          since: one.since,
          last_seen_at: one.seen_at,
          alive: one.unseen_ms < aliveMs,
          leads: leadsOf(one.judges),
        }));
        const others = instances.filter(({ id }) => id !== name);
        const mine = instances.find(({ id }) => id === name);
        // An instance knows its own state better than the table.
        const own = mine ? { ...mine, alive: true, version, leads: leadsOf(judges()) } : ownself();
        return { instances: [own, ...others], complete: true };
      } catch (error) {
        log.debug("instances_not_listed", { error: messageOf(error) });
        return { instances: [ownself()], complete: false };
      }
    },
    start: loop.start,
    async stop() {
      await loop.stop();
      if (beaten && access.canWrite()) await removeInstance(db, name).catch(() => {});
    },
  };
}
