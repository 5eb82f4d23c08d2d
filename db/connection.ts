import postgres from "postgres";
import { openSocket } from "./socket.ts";

export type Sql = postgres.Sql;
export type ReservedSql = postgres.ReservedSql;
export type TransactionSql = postgres.TransactionSql;

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
    idle_timeout: 300,
    max_lifetime: 3_600,
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
  const unix = /[?&]host=(%2F|\/)/i.test(target.url);
  return postgres(target.url, {
    ...common,
    ...(unix ? {} : {
      // postgres.js takes a connected socket here; its types do not name the option.
      socket: ({ host, port }: { host: unknown; port: unknown }) =>
        openSocket({ host: hostOf(host), port: Number(hostOf(port)), timeoutMs: connectTimeoutMs }),
    } as Record<string, unknown>),
  });
}
