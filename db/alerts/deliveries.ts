import { sql } from "drizzle-orm";
import type { RecordsDb } from "../records/records.ts";
import { deliveryRecords } from "../records/schema.ts";

/** `dead`: it failed permanently. */
export const deliveryStates = ["queued", "delivered", "dead"] as const;

export interface DeliveryRecord {
  id: string;
  channel: string;
  owner: string;
  state: (typeof deliveryStates)[number];
  summary: string;
  notices: unknown;
  attempts: number;
  created_at: string;
  next_attempt_at: string | null;
  ended_at: string | null;
  error: string | null;
}

const deliveryColumns = sql.raw(
  ["created_at", "next_attempt_at", "ended_at"].map((name) =>
    `to_char(${name} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as ${name}`
  ).concat("id", "channel", "owner", "state", "summary", "notices", "attempts", "error").join(", "),
);

/**
 * Makes `owner` the owner of the queued deliveries of Holdfasts that were not seen for 20 seconds, and returns up to
 * 1,000 of them, oldest first; with `own` also those that are `owner`'s already.
 */
export async function adoptDeliveries(
  db: RecordsDb,
  owner: string,
  { own: withOwn }: { own: boolean },
): Promise<DeliveryRecord[]> {
  const rows = await db.run((own) =>
    own.execute<DeliveryRecord & Record<string, unknown>>(sql`
      with taken as (
        update holdfast.alert_deliveries as due set owner = ${owner}
        where due.state = 'queued'
          and (
            (due.owner = ${owner} and ${withOwn}::boolean)
            or due.owner <> ${owner} and not exists (
              select
              from holdfast.alert_watchers as watcher
              where watcher.name = due.owner
                and watcher.seen_at > now() - interval '20 seconds'
                -- Seen in the future: the server's clock was ahead then.
                and watcher.seen_at < now() + interval '20 seconds'
            )
          )
        returning *
      )
      select ${deliveryColumns} from taken order by taken.created_at, taken.id limit 1000`)
  );
  return Array.from(rows);
}

/** Returns a page of deliveries, newest first; `before` is the end of the last page. */
export async function listDeliveries(
  db: RecordsDb,
  { channel, state, before, limit }: {
    channel: string | undefined;
    state: string | undefined;
    before: { createdAt: string; id: string } | undefined;
    limit: number;
  },
): Promise<DeliveryRecord[]> {
  const rows = await db.run((own) =>
    own.execute<DeliveryRecord & Record<string, unknown>>(sql`
      select ${deliveryColumns} from holdfast.alert_deliveries
      where (${channel ?? null}::text is null or channel = ${channel ?? null}::text)
        and (${state ?? null}::text is null or state = ${state ?? null}::text)
        and (${before?.id ?? null}::uuid is null
          or (date_trunc('milliseconds', ${deliveryRecords.created_at}), ${deliveryRecords.id})
            < (${before?.createdAt ?? null}::timestamptz, ${before?.id ?? null}::uuid))
      order by date_trunc('milliseconds', holdfast.alert_deliveries.created_at) desc,
        holdfast.alert_deliveries.id desc
      limit ${limit}`)
  );
  return Array.from(rows);
}

/** Returns one delivery; undefined where none has that id. */
export async function findDelivery(
  db: RecordsDb,
  id: string,
): Promise<DeliveryRecord | undefined> {
  const [row] = await db.run((own) =>
    own.execute<DeliveryRecord & Record<string, unknown>>(sql`
      select ${deliveryColumns} from holdfast.alert_deliveries where id = ${id}`)
  );
  return row;
}

/** Queues a permanently failed delivery again, for `owner`. Returns undefined where none has that id. */
export async function requeueDelivery(
  db: RecordsDb,
  { id, owner, at }: { id: string; owner: string; at: Date },
): Promise<DeliveryRecord | undefined> {
  const [row] = await db.run((own) =>
    own.execute<DeliveryRecord & Record<string, unknown>>(sql`
      with again as (
        update holdfast.alert_deliveries set
          state = 'queued',
          owner = ${owner},
          attempts = 0,
          error = null,
          ended_at = null,
          next_attempt_at = ${at.toISOString()}::timestamptz
        where id = ${id}
          and state = 'dead'
        returning *
      )
      select ${deliveryColumns} from again`)
  );
  return row;
}
