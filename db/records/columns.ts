import { type SQL, sql } from "drizzle-orm";
import { customType, timestamp } from "drizzle-orm/pg-core";

/** JSON as text with a cast: postgres.js would write the text of a jsonb parameter as a JSON string. */
export const jsonb = customType<{ data: unknown; driverData: SQL }>({
  dataType: () => "jsonb",
  toDriver: (value) => sql`${JSON.stringify(value)}::text::jsonb`,
});

/** A time as a `Date`. */
export const time = (name: string) => timestamp(name, { withTimezone: true, mode: "date" });

/** A time as RFC 3339 text in UTC with milliseconds, as the API answers it. */
export const utcTime = customType<{ data: string; driverData: Date | string }>({
  dataType: () => "timestamp with time zone",
  fromDriver: (value) => new Date(value).toISOString(),
});

/** A bigint that the database counts up, as text: an id is compared and shown, never computed with. */
export const countedId = customType<
  { data: string; driverData: string; notNull: true; default: true }
>({ dataType: () => "bigint" });

/** The oid of a table. */
export const oid = customType<{ data: number; driverData: number }>({ dataType: () => "oid" });
