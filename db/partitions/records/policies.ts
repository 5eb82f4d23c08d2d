import type { Sql } from "../../connection.ts";
import type { TableName } from "../ddl.ts";

export interface PolicyRow {
  schema: string;
  table: string;
  interval: string;
  sub_interval: string | null;
  time_zone: string;
  key: string;
  premake: number;
  retention: { keep: string; action: string; schema?: string } | null;
  cooldown: string;
  seal: boolean;
  enabled: boolean;
  windows: { days?: number[]; from: string; to: string }[] | null;
  /** Whether it is the default policy, which nobody has changed. */
  shipped: boolean;
}

export async function listPolicies(sql: Sql): Promise<PolicyRow[]> {
  return await sql<PolicyRow[]>`
    select
      schema_name as schema,
      table_name as "table",
      "interval",
      sub_interval,
      time_zone,
      key,
      premake,
      retention,
      cooldown,
      seal,
      enabled,
      windows,
      updated_at is null as shipped
    from holdfast.partition_policies
    order by schema_name, table_name`;
}

/** Locks all policies against changes until the transaction ends; reads do not wait. */
export async function holdPolicies(sql: Sql): Promise<void> {
  await sql`lock table holdfast.partition_policies in share row exclusive mode`;
}

export async function putPolicy(sql: Sql, policy: Omit<PolicyRow, "shipped">): Promise<void> {
  const row = {
    schema_name: policy.schema,
    table_name: policy.table,
    interval: policy.interval,
    sub_interval: policy.sub_interval,
    time_zone: policy.time_zone,
    key: policy.key,
    premake: policy.premake,
    cooldown: policy.cooldown,
    seal: policy.seal,
    enabled: policy.enabled,
  };
  await sql`
    insert into holdfast.partition_policies
      (schema_name, table_name, "interval", sub_interval, time_zone, key, premake, retention, cooldown, seal, enabled,
        windows, updated_at)
    values (
      ${row.schema_name}, ${row.table_name}, ${row.interval}, ${row.sub_interval}, ${row.time_zone}, ${row.key},
      ${row.premake},
      ${policy.retention === null ? null : JSON.stringify(policy.retention)}::text::jsonb,
      ${row.cooldown}, ${row.seal}, ${row.enabled},
      ${policy.windows === null ? null : JSON.stringify(policy.windows)}::text::jsonb,
      now()
    )
    on conflict (schema_name, table_name) do update set
      "interval" = excluded."interval",
      sub_interval = excluded.sub_interval,
      time_zone = excluded.time_zone,
      key = excluded.key,
      premake = excluded.premake,
      retention = excluded.retention,
      cooldown = excluded.cooldown,
      seal = excluded.seal,
      enabled = excluded.enabled,
      windows = excluded.windows,
      updated_at = excluded.updated_at`;
}

/** Says whether there was one. */
export async function deletePolicy(sql: Sql, { schema, table }: TableName): Promise<boolean> {
  const rows = await sql`
    delete from holdfast.partition_policies
    where schema_name = ${schema} and table_name = ${table}
    returning 1 as deleted`;
  return rows.length > 0;
}

/**
 * Returns an interval in Postgres's own style, whatever the session's style is. Throws the server's error for an invalid
 * one.
 */
export async function canonicalInterval(sql: Sql, text: string): Promise<string> {
  const [row] = await sql<{ text: string }[]>`
    with style as materialized (select set_config('intervalstyle', 'postgres', true) as name)
    select (${text}::text::interval)::text as text
    from style
    where style.name is not null`;
  return row?.text ?? text;
}

export async function schemaExists(sql: Sql, name: string): Promise<boolean> {
  const rows = await sql`select 1 from pg_namespace where nspname = ${name}`;
  return rows.length > 0;
}
