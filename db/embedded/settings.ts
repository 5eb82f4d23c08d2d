import type { Place } from "./place.ts";

/** How WAL is archived: every finished segment, and an unfinished one after this many seconds with changes. */
export interface Archiving {
  everySeconds: number;
}

const quoted = (path: string) => `'${path.replaceAll("'", "''")}'`;

/**
 * basic_archive writes a copy beside its place, flushes and renames it, and refuses a file of other content. Until there
 * is a backup that needs WAL, segments count as archived: archive_mode itself could only be changed by a restart.
 */
const archiveSettings = (place: Place, archiving: Archiving | undefined) =>
  archiving
    ? {
      archive_mode: "on",
      archive_command: "''",
      archive_library: "'basic_archive'",
      "basic_archive.archive_directory": quoted(place.spool),
      archive_timeout: `${archiving.everySeconds}`,
    }
    : { archive_mode: "on", archive_command: "'true'" };

/** Settings of the embedded server; durable, quiet on the network, sized for one machine's trading data. */
export function serverSettings(place: Place, archiving?: Archiving): string {
  const settings = {
    listen_addresses: "''",
    unix_socket_directories: quoted(place.sockets),
    unix_socket_permissions: "0700",
    port: "5432",
    shared_preload_libraries: "'pg_stat_statements'",
    "pg_stat_statements.track": "all",
    fsync: "on",
    full_page_writes: "on",
    synchronous_commit: "on",
    shared_buffers: "'256MB'",
    effective_cache_size: "'1GB'",
    maintenance_work_mem: "'128MB'",
    max_connections: "100",
    max_wal_size: "'4GB'",
    wal_buffers: "'64MB'",
    wal_compression: "on",
    checkpoint_timeout: "'15min'",
    track_io_timing: "on",
    timezone: "'UTC'",
    log_timezone: "'UTC'",
    log_line_prefix: "'%m [%p] %a '",
    random_page_cost: "1.1",
    jit: "off",
    ...archiveSettings(place, archiving),
  };
  return "# Written by Holdfast at every start; put your own settings in postgresql.auto.conf (alter system).\n" +
    Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`).join("");
}
