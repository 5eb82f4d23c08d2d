import process from "node:process";
import postgres from "postgres";
import { type Address, hostLabel } from "./address/address.ts";
import { createConnector } from "./address/connector.ts";
import { createHostMemory } from "./address/open.ts";
import { addressOf, type Target } from "./address/target.ts";
import { addArrayTypes } from "./array_types.ts";
import type { SessionPurpose } from "./session/settings.ts";
import { startupSettings } from "./session/start.ts";

export type { Target } from "./address/target.ts";
export type Sql = postgres.Sql;

export interface ConnectOptions {
  target: Target;
  max: number;
  applicationName: string;
  statementTimeoutMs: number;
  lockTimeoutMs: number;
  /** Behind a pooler: it refuses most settings as startup parameters and cannot keep prepared statements. */
  pooled: boolean;
  /** `work` when left out. */
  purpose?: SessionPurpose | undefined;
  /** These three as `startupSettings` takes them. */
  mark?: string | undefined;
  cautious?: boolean | undefined;
  serverVersion?: number | undefined;
  connectTimeoutMs?: number;
  /** Called whenever a connection of this client has closed. */
  onClose?: () => void;
  /** Called with each notification that a session of this client listens for. */
  onNotify?: ((channel: string, payload: string) => void) | undefined;
  /**
   * Whether each session asks for all array types of the database, as statements of users need it; true when left out.
   * Without it a session costs less, and `reserve` does not work: the driver never answers it on a new connection.
   */
  readTypes?: boolean;
}

/** Opens a postgres.js client on `target`. Connections are made when first needed. */
export function connectSql(options: ConnectOptions): Sql {
  const sql = openClient(options);
  if (options.readTypes === false) addArrayTypes(sql);
  return sql;
}

function openClient(options: ConnectOptions): Sql {
  const { target, max, pooled, readTypes = true, connectTimeoutMs = 5_000 } = options;
  // The driver's types do not name `onnotify`.
  const common: postgres.Options<Record<string, never>> & {
    onnotify?: ConnectOptions["onNotify"];
  } = {
    max,
    prepare: !pooled,
    fetch_types: readTypes,
    connect_timeout: Math.ceil(connectTimeoutMs / 1000),
    // Closing by age would come between the statements of a transaction.
    idle_timeout: 0,
    max_lifetime: null,
    onclose: () => options.onClose?.(),
    backoff: (retries: number) => Math.min(2, 0.1 * 2 ** retries),
    onnotice: () => {},
    ...(options.onNotify ? { onnotify: options.onNotify } : {}),
    connection: { application_name: options.applicationName, ...startupSettings(options) },
  };
  return connectBySocket(target, common, connectTimeoutMs);
}

/**
 * Makes a client of the driver without the second one that it makes beside each, for its `subscribe`. It takes that option
 * from settings that it has read before.
 */
function makeClient(settings: postgres.Options<Record<string, never>>): Sql {
  const { options } = postgres(settings);
  const sql = postgres({ ...options, no_subscribe: true } as unknown as typeof settings);
  forgetFailedStatements(sql);
  return sql;
}

/**
 * Makes the driver forget statements that failed. It adds to their errors where in the source they stand, which it knows of
 * tagged templates alone, and caches that by the statement: of each other one it keeps the text while the process lives.
 */
function forgetFailedStatements(sql: Sql): void {
  const queries: object = Object.getPrototypeOf(sql.unsafe(""));
  const { get: originOf, configurable } = Object.getOwnPropertyDescriptor(queries, "origin") ?? {};
  if (!originOf || !configurable) return; // an earlier client has done it
  Object.defineProperty(queries, "origin", {
    configurable: false,
    get(this: { tagged: boolean }): string {
      return this.tagged ? originOf.call(this) : "";
    },
  });
}

/** Opens a client whose sockets are ours: hosts, TLS and roles are chosen in address/. */
function connectBySocket(
  target: Target,
  common: postgres.Options<Record<string, never>>,
  timeoutMs: number,
): Sql {
  const { hosts, user, database, options } = readOrNothing(target);
  const connector = createConnector({
    read: () => addressOf(target),
    memory: (target.kind === "url" ? target.memory : undefined) ?? createHostMemory(),
    timeoutMs,
  });
  const sql = withoutItsVariable(() =>
    makeClient({
      ...common,
      // For its error messages alone; it would pass over an error where it knew of another host.
      host: [hosts.map(hostLabel).join(",").replace(/:\d+$/, "")],
      port: [hosts.at(-1)?.port ?? 5432],
      user,
      database,
      password: () => connector.password(),
      ssl: false,
      connection: { ...(options ? { options } : {}), ...common.connection },
      // Its types name neither of these.
      socket: () => connector.open(),
      onparameter: (name: string, value: string) => connector.reported(name, value),
    } as Record<string, unknown> as postgres.Options<Record<string, never>>)
  );
  const end = sql.end;
  return Object.assign(sql, {
    async end(how?: { timeout?: number }) {
      try {
        await end(how);
      } finally {
        connector.close();
      }
    },
  });
}

/** What cannot be read now, as when a file is being renewed, fails with the connection and not before. */
function readOrNothing(
  target: Target,
): Pick<Address, "hosts" | "user" | "database" | "options"> {
  try {
    return addressOf(target);
  } catch {
    const { user, database } = target.kind === "socket" ? target : { user: "", database: "" };
    return { hosts: [], user, database };
  }
}

/** postgres.js reads this variable whatever it is given, refuses `any`, and checks roles on its own. */
function withoutItsVariable<T>(open: () => T): T {
  const name = "PGTARGETSESSIONATTRS";
  const value = process.env[name];
  if (value === undefined) return open();
  delete process.env[name];
  try {
    return open();
  } finally {
    process.env[name] = value;
  }
}
