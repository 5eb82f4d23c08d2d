import { sql } from "drizzle-orm";
import type { RecordsDb } from "../records/records.ts";

/**
 * Writes one row, commits, and reads it back. Throws where it reads another row. It inserts the first time only: an insert
 * that finds a conflict writes a lock besides.
 */
export async function writeCanary(db: RecordsDb, name: string): Promise<void> {
  const [written] = await db.run((own) =>
    own.execute<{ seq: string }>(sql`
      with counted as (
        update holdfast.canary set seq = seq + 1, at = now()
        where name = ${name}
        returning seq::text
      ),
      first as (
        insert into holdfast.canary as old (name, seq, at)
        select ${name}::text, 1, now()
        where not exists (select from counted)
        on conflict (name) do update set seq = old.seq + 1, at = excluded.at
        returning seq::text
      )
      select seq from counted
      union all
      select seq from first`)
  );
  const [read] = await db.run((own) =>
    own.execute<{ seq: string }>(
      sql`select seq::text from holdfast.canary where name = ${name}`,
    )
  );
  if (!written || read?.seq !== written.seq) {
    throw new Error("Cannot verify the canary: it read back another row");
  }
}
