import { sql } from "drizzle-orm";
import type { RecordsDb } from "../records/records.ts";

/** Writes one row, commits, and reads it back. Throws where it reads another row. */
export async function writeCanary(db: RecordsDb, name: string): Promise<void> {
  const [written] = await db.run((own) =>
    own.execute<{ seq: string }>(sql`
      insert into holdfast.canary as old (name, seq, at) values (${name}, 1, now())
      on conflict (name) do update set seq = old.seq + 1, at = excluded.at
      returning seq::text`)
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
