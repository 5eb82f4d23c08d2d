import postgres from "postgres";
import { openSocket } from "./socket.ts";

export type Sql = postgres.Sql;

/** Where a server is: a URL, or the Unix socket of the embedded one. */
export type Target =
  | { kind: "url"; url: string }
  | { kind: "socket"; directory: string; port: number; user: string; database: string };

export interface ConnectOptions {
  target: Target;
  max: number;
  applicationName: string;
  statementTimeoutMs: number;
  lockTimeoutMs: number;
  /** A transaction-mode pooler refuses timeouts as startup parameters and cannot keep prepared statements. */
  pooled: boolean;
  connectTimeoutMs?: number;
  /** Called whenever a connection of this client has closed. */
  onClose?: () => void;
}

function hostOf(value: unknown): string {
  return String(Array.isArray(value) ? value[0] : value);
}

/** Opens a postgres.js client on `target`. Connections are made when first needed. */
export function connectSql(options: ConnectOptions): Sql {
  const { target, max, pooled, connectTimeoutMs = 5_000 } = options;
  const timeouts = pooled ? {} : {
    statement_timeout: options.statementTimeoutMs,
    lock_timeout: options.lockTimeoutMs,
    idle_in_transaction_session_timeout: 60_000,
  };
  const common: postgres.Options<Record<string, never>> = {
    max,
    prepare: !pooled,
    connect_timeout: Math.ceil(connectTimeoutMs / 1000),
    // Closing by age would come between the statements of a transaction.
    idle_timeout: 0,
    max_lifetime: null,
    onclose: () => options.onClose?.(),
    backoff: (retries: number) => Math.min(2, 0.1 * 2 ** retries),
    onnotice: () => {},
    connection: { application_name: options.applicationName, TimeZone: "UTC", ...timeouts },
  };
  if (target.kind === "socket") {
    return postgres({
      ...common,
      host: target.directory,
      port: target.port,
      user: target.user,
      database: target.database,
    });
  }
  const unix = unixHost(target.url);
  return postgres(unix?.url ?? target.url, {
    ...common,
    ...(unix ? { host: unix.directory } : {
      // postgres.js takes a socket here; its types do not name the option.
      socket: ({ host, port }: { host: unknown; port: unknown }) =>
        openSocket({ host: hostOf(host), port: Number(hostOf(port)) }),
    } as Record<string, unknown>),
  });
}

/** The socket directory of a URL such as `postgres://user@/db?host=/run/postgresql`, and the URL without it. */
function unixHost(text: string): { directory: string; url: string } | undefined {
  // libpq allows an empty host after the user, the URL standard does not.
  const url = new URL(text.replace("@/", "@localhost/"));
  const directory = url.searchParams.get("host");
  if (!directory?.startsWith("/")) return undefined;
  url.searchParams.delete("host");
  return { directory, url: url.href };
}
