import {
  type DefaultPlace,
  resetReadOnlyDefault,
  type StandbySource,
  type WriteFacts,
} from "../../../db/server/write_state.ts";
import { sqlState } from "../../../db/sql_state.ts";

/**
 * `writing`: all requests are served. `read_only`: a primary that takes no writes. `watch_only`: a standby; requests that
 * read are served, and Holdfast's own records stay in memory.
 */
export type WriteMode = "writing" | "read_only" | "watch_only";

export type WriteCause =
  | "standby"
  | "promotion"
  | "default_transaction_read_only"
  | "disk_full"
  | "out_of_ids";

/** Whether the server takes writes, and if not, why and what to do. */
export interface WriteState {
  mode: WriteMode;
  cause: WriteCause | null;
  /** When the mode began; milliseconds since 1970. */
  since: number;
  /** One sentence; empty while the server takes writes. */
  reason: string;
  /** What to do; empty where nothing is wrong. */
  remedy: string;
  /** Whether this Holdfast has written since its start: then a server that takes no writes is an outage. */
  wrote: boolean;
  /** Whether the server has the schemas of this version. */
  schema: boolean;
  /** What will prevent writes: a setting that new sessions begin with. */
  warning: string | null;
  /** Whether the server takes writes but could not be prepared: an outage, whether Holdfast `wrote` or not. */
  unprepared: boolean;
}

/** What a poll of the server found. */
export type Finding = Pick<
  WriteState,
  "mode" | "cause" | "reason" | "remedy" | "warning" | "unprepared"
>;

/** Returns the finding that the server takes writes. Pure. */
export const writable = (warning: string | null = null): Finding => ({
  mode: "writing",
  cause: null,
  reason: "",
  remedy: "",
  warning,
  unprepared: false,
});

const placeText = ({ database, role }: WriteFacts, place: DefaultPlace): string => ({
  "role in database": `role ${role} in database ${database}`,
  role: `role ${role}`,
  database: `database ${database}`,
  "all roles": "all roles",
  server: "the whole server",
}[place]);

/** Sources of a setting that take effect in every session at once; with others a session keeps the value it began with. */
const ofServer = new Set([
  null,
  "default",
  "configuration file",
  "command line",
  "environment variable",
]);

/** Returns the finding that sessions of a primary begin read-only. Pure. */
export function readOnlyDefault(facts: WriteFacts): Finding {
  const isSet = facts.new_sessions_read_only === true;
  if (!isSet && !ofServer.has(facts.source)) return keptByPooler(facts);
  const place: DefaultPlace = isSet ? facts.set_for ?? "server" : "server";
  return {
    mode: "read_only",
    cause: "default_transaction_read_only",
    reason: `The database takes no writes: default_transaction_read_only is on for ${
      placeText(facts, place)
    }`,
    remedy: `Find out who set it (a managed service does when its disk is nearly full); then: ${
      resetReadOnlyDefault(facts, place)
    }`,
    warning: null,
    unprepared: false,
  };
}

/** Returns the finding that the default was reset, but a pooler still gives out sessions that began with it. */
const keptByPooler = ({ source }: WriteFacts): Finding => ({
  mode: "read_only",
  cause: "default_transaction_read_only",
  reason: `The database takes no writes from the sessions that the pooler gives Holdfast: ${
    source === "client"
      ? "default_transaction_read_only is set as they connect"
      : "they began while default_transaction_read_only was on, and new ones do not"
  }`,
  remedy: source === "client"
    ? "Take it out of the options of DATABASE_URL, PGOPTIONS or the pooler"
    : "Make the pooler before the database begin new sessions (RECONNECT in PgBouncer's console)",
  warning: null,
  unprepared: false,
});

/** Returns the warning that our sessions can write but new ones cannot; null when they can. Pure. */
export function newSessionsWarning(facts: WriteFacts): string | null {
  if (facts.new_sessions_read_only !== true) return null;
  return `Sessions that begin now cannot write: default_transaction_read_only is on for ${
    placeText(facts, facts.set_for ?? "server")
  }; ${resetReadOnlyDefault(facts, facts.set_for ?? "server")} takes it back`;
}

const addressOf = ({ host, port }: StandbySource): string | undefined =>
  host === null ? undefined : port === null || host.startsWith("/") ? host : `${host}:${port}`;

/** Returns the finding that the server is a standby. Pure. */
export function standby(source: StandbySource | undefined): Finding {
  const address = source && addressOf(source);
  const from = address
    ? ` of ${address}`
    : source?.streams === false
    ? " that restores WAL from an archive"
    : "";
  return {
    mode: "watch_only",
    cause: "standby",
    reason: `The server is a standby${from}: nothing can be written there`,
    remedy: `Write to its primary${
      address ? ` at ${address}` : ""
    }, or promote this server if the primary is gone: select pg_promote()`,
    warning: null,
    unprepared: false,
  };
}

/** Returns the finding that the server takes writes now and is being prepared. Pure. */
export const promoted = (): Finding => ({
  mode: "watch_only",
  cause: "promotion",
  reason: "The server takes writes now; Holdfast is preparing it",
  remedy: "",
  warning: null,
  unprepared: false,
});

/** Returns the finding that the preparation failed with `problem`: the SQLSTATE and the server's message. Pure. */
export const unprepared = (problem: string): Finding => ({
  ...promoted(),
  reason: `The server takes writes now, and cannot be prepared: ${problem}`,
  remedy: `${
    problem.startsWith(sqlState.insufficientPrivilege)
      ? "Grant Holdfast's role what it lacks (a first start needs: grant create on database … to <role>)"
      : "Mend what the server names"
  }; Holdfast tries again every few seconds`,
  unprepared: true,
});

/** Returns what the SQLSTATE of a refused write shows about the server; undefined when it concerns that write alone. Pure. */
export function findingOf(code: string, facts: WriteFacts): Finding | undefined {
  if (code === sqlState.readOnlySqlTransaction) return readOnlyDefault(facts);
  if (code === sqlState.diskFull) {
    return {
      mode: "read_only",
      cause: "disk_full",
      reason: "The database takes no writes: its disk is full",
      remedy:
        "Free disk space: drop what is not needed, or a slot that keeps WAL. Writing then resumes",
      warning: null,
      unprepared: false,
    };
  }
  if (code === sqlState.programLimitExceeded) {
    return {
      mode: "read_only",
      cause: "out_of_ids",
      reason: "The database takes no writes: it has run out of transaction ids",
      remedy:
        "End old transactions, roll back prepared ones and drop unused slots, then vacuum (freeze) the oldest tables as a superuser",
      warning: null,
      unprepared: false,
    };
  }
  return undefined;
}
