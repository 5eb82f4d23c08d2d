import { migrate } from "../db/migrate.ts";
import { migrations } from "../db/migrations/list.ts";
import {
  describeOwnPublication,
  listOwnPublications,
} from "../db/partitions/catalogue/publications.ts";
import type { Pools } from "../db/pool/open.ts";
import { examineSource, examineWriting } from "../db/server/write_state.ts";
import { messageOf, StartError } from "../errors.ts";
import { createSingleFlight } from "../lib/single_flight.ts";
import type { Logger } from "../log.ts";
import type { WritePreparation } from "../services/alerts/evaluation/canary.ts";
import type { WriteAccess } from "../services/monitor/write_access/access.ts";
import { readOnlyDefault, standby, writable } from "../services/monitor/write_access/state.ts";

export interface Writing extends Omit<WritePreparation, "isStarted"> {
  /**
   * Gets the server ready at the start. One that takes no writes is served without being changed, unless `mustWrite`:
   * then it throws StartError with the reason.
   */
  prepare(options: { mustWrite: boolean }): Promise<void>;
}

/** Prepares a server: migrates one that takes writes and loads its records; of any other, finds out whether it has the schema. */
export function createWriting(
  { pools, access, allowPublished, load, log }: {
    pools: Pools;
    access: WriteAccess;
    /** Whether Holdfast's own tables may be in a publication. */
    allowPublished: boolean;
    /** Loads the records once the tables exist, and starts what works on them. */
    load: () => Promise<void>;
    log: Logger;
  },
): Writing {
  let begun = false;
  /** How often the server became a standby: a preparation that began before that does not count. */
  let demotions = 0;
  access.onChange((after, before) => {
    if (after.cause === "standby") {
      begun = false;
      demotions++;
    }
    if (after.mode === "writing" && before.mode === "read_only") renewSessions();
  });

  /** Renews sessions: those that began while the default was read-only would keep it. */
  function renewSessions(): void {
    for (const pool of Object.values(pools)) pool.renew();
  }

  async function beginOnce(): Promise<void> {
    const before = demotions;
    const applied = await pools.maintenance.run(
      (sql) => migrate(sql, migrations, { allowPublished }),
      { deadlineMs: 180_000 },
    );
    for (const publication of await pools.maintenance.run(listOwnPublications)) {
      log.warn("own_tables_published", { publication: describeOwnPublication(publication) });
    }
    if (applied.length > 0) log.info("migrated", { migrations: applied });
    access.noteSchema(true);
    access.note(writable());
    await load();
    begun = demotions === before;
  }

  const beginShared = createSingleFlight(beginOnce);
  const begin = () => begun ? Promise.resolve() : beginShared();

  async function findSchema(): Promise<void> {
    const pending = await pools.maintenance.run((sql) =>
      migrate(sql, migrations, { dryRun: true })
    );
    access.noteSchema(pending.length === 0);
  }

  return {
    isBegun: () => begun,
    begin,
    findSchema: () =>
      findSchema().catch((error) => log.debug("schema_not_found_out", { error: messageOf(error) })),
    renewSessions,
    async prepare({ mustWrite }) {
      const finding = await pools.maintenance.run(async (sql) => {
        const facts = await examineWriting(sql);
        if (facts.in_recovery) return standby(await examineSource(sql));
        return facts.read_only ? readOnlyDefault(facts) : undefined;
      });
      if (finding === undefined) return await begin();
      if (mustWrite) throw new StartError(`${finding.reason}. ${finding.remedy}`);
      await findSchema();
      access.note(finding);
    },
  };
}
