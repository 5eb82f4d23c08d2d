import type { Sql } from "../connection.ts";
import { firstUserOid } from "./scratch.ts";

/**
 * Extensions whose functions in C compute, read the copy, or notify its own sessions; those of all others may connect to
 * other servers, run programs or write files.
 */
const keptInside = [
  // Of Postgres itself; not dblink, postgres_fdw, file_fdw, adminpack and the languages without limits (…u).
  "amcheck",
  "autoinc",
  "bloom",
  "bool_plperl",
  "btree_gin",
  "btree_gist",
  "citext",
  "cube",
  "dict_int",
  "dict_xsyn",
  "earthdistance",
  "fuzzystrmatch",
  "hstore",
  "hstore_plperl",
  "insert_username",
  "intagg",
  "intarray",
  "isn",
  "jsonb_plperl",
  "lo",
  "ltree",
  "moddatetime",
  "pageinspect",
  "pg_buffercache",
  "pg_freespacemap",
  "pg_prewarm",
  "pg_stat_statements",
  "pg_trgm",
  "pg_visibility",
  "pg_walinspect",
  "pgcrypto",
  "pgrowlocks",
  "pgstattuple",
  "plperl",
  "plpgsql",
  "pltcl",
  "refint",
  "seg",
  "sslinfo",
  "tablefunc",
  "tcn",
  "tsm_system_rows",
  "tsm_system_time",
  "unaccent",
  "uuid-ossp",
  "xml2",
  // Of others.
  "h3",
  "hll",
  "hypopg",
  "ip4r",
  "pg_bigm",
  "pgrouting",
  "postgis",
  "postgis_topology",
  "prefix",
  "rum",
  "semver",
  "tdigest",
  "topn",
  "vector",
];

/** Oid of the superuser that initdb makes (BOOTSTRAP_SUPERUSERID). */
const bootstrapSuperuser = 10;

/** What was closed. */
export interface ClosedWays {
  /** Extensions and languages whose functions are refused. */
  functions: string[];
  /** Triggers that are off, as `schema.table trigger`, and event triggers by name. */
  triggers: string[];
  /** Foreign tables, which can be neither read nor written. */
  foreignTables: number;
}

/**
 * Keeps SQL of users inside a copy, whichever function or trigger it calls: functions in C of extensions that are not known
 * to stay inside, and functions in languages without limits, are refused; triggers that would run them, for which Postgres
 * checks no privilege, are off; foreign data wrappers have no handler. A superuser is not kept inside: only Holdfast's own
 * statements may run as one.
 */
export async function closeWaysOut(sql: Sql): Promise<ClosedWays> {
  const [row] = await sql.begin(async (own) => {
    await own.unsafe("set local allow_system_table_mods to on");
    return await own<{ functions: string[]; triggers: string[]; foreign_tables: number }[]>`
      with outward as (
        select
          p.oid,
          coalesce(e.extname, l.lanname)::text as owner
        from pg_proc as p
        join pg_language as l on l.oid = p.prolang
        left join pg_depend as d
          on d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
            and d.refclassid = 'pg_extension'::regclass
        left join pg_extension as e on e.oid = d.refobjid
        where p.oid >= ${firstUserOid}
          and not l.lanpltrusted
          and l.lanname <> 'sql'
          and not (
            l.lanname in ('c', 'internal') and coalesce(e.extname::text = any (${keptInside}::text[]), false)
          )
      ), refused as (
        update pg_proc
        set proacl = array[makeaclitem(${bootstrapSuperuser}, ${bootstrapSuperuser}, 'EXECUTE', false)]
        where oid in (select oid from outward)
      ), off as (
        update pg_trigger as t
        set tgenabled = 'D'
        from pg_class as c, pg_namespace as n
        where t.tgfoid in (select oid from outward) and t.tgenabled <> 'D'
          and c.oid = t.tgrelid and n.oid = c.relnamespace
        returning n.nspname || '.' || c.relname || ' ' || t.tgname as name
      ), events_off as (
        update pg_event_trigger
        set evtenabled = 'D'
        where evtfoid in (select oid from outward) and evtenabled <> 'D'
        returning evtname::text as name
      ), wrappers as (
        update pg_foreign_data_wrapper
        set
          fdwhandler = 0,
          fdwvalidator = 0
        where fdwhandler <> 0
      )
      select
        array(select distinct owner from outward order by 1) as functions,
        array(select name from off union all select name from events_off order by 1) as triggers,
        (select count(*)::int4 from pg_foreign_table) as foreign_tables`;
  });
  return {
    functions: row?.functions ?? [],
    triggers: row?.triggers ?? [],
    foreignTables: row?.foreign_tables ?? 0,
  };
}
