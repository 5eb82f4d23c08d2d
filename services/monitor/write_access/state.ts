import {
  type DefaultPlace,
  resetReadOnlyDefault,
  type StandbySource,
  type WriteFacts,
} from "../../../db/server/write_state.ts";

/**
 * `writing`: all is served. `read_only`: a primary that takes no writes. `watch_only`: a standby; what reads is served,
 * and Holdfast's own records stay in memory.
 */
export type WriteMode = "writing" | "read_only" | "watch_only";

export type WriteCause =
  | "standby"
  | "promotion"
  | "default_transaction_read_only"
  | "disk_full"
  | "out_of_ids";

/** Whether the server takes writes, and if not, why and what ends it. */
export interface WriteState {
  mode: WriteMode;
  cause: WriteCause | null;
  /** In milliseconds since 1970. */
  since: number;
  /** One plain sentence; empty while all is written. */
  reason: string;
  /** What ends it; empty where nothing is wrong. */
  remedy: string;
  /** Whether this Holdfast wrote there before: then a server that takes no writes is an outage, not a choice. */
  wrote: boolean;
  /** Whether Holdfast's schemas are there, as this version needs them. */
  schema: boolean;
  /** What is not wrong yet, but will be: a setting that new sessions begin with. */
  warning: string | null;
  /** Whether the server would take writes, and could not be prepared for them: an outage, whether it `wrote` or not. */
  unprepared: boolean;
}

/** What a look found, without what the owner of the state adds. */
export type Finding = Pick<
  WriteState,
  "mode" | "cause" | "reason" | "remedy" | "warning" | "unprepared"
>;

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

/** Sources of a setting that hold for every session at once; of others a session keeps what it began with. */
const ofServer = new Set([
  null,
  "default",
  "configuration file",
  "command line",
  "environment variable",
]);

/** A primary whose sessions begin read-only. Pure. */
export function readOnlyDefault(facts: WriteFacts): Finding {
  const said = facts.new_sessions_read_only === true;
  if (!said && !ofServer.has(facts.source)) return keptByPooler(facts);
  const place: DefaultPlace = said ? facts.set_for ?? "server" : "server";
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

/** The default was taken back, and whoever holds sessions for us still hands out such as began with it. */
const keptByPooler = ({ source }: WriteFacts): Finding => ({
  mode: "read_only",
  cause: "default_transaction_read_only",
  reason: `The database takes no writes from the sessions that Holdfast is given: ${
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

/** What is said while our sessions still write and new ones may not. Pure. */
export function newSessionsWarning(facts: WriteFacts): string | null {
  if (facts.new_sessions_read_only !== true) return null;
  return `Sessions that begin now cannot write: default_transaction_read_only is on for ${
    placeText(facts, facts.set_for ?? "server")
  }; ${resetReadOnlyDefault(facts, facts.set_for ?? "server")} takes it back`;
}

const addressOf = ({ host, port }: StandbySource): string | undefined =>
  host === null ? undefined : port === null || host.startsWith("/") ? host : `${host}:${port}`;

/** A server that only replays. Pure. */
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

/** A server that takes writes now, and is being prepared: a standby that was promoted, or one that was read-only. Pure. */
export const promoted = (): Finding => ({
  mode: "watch_only",
  cause: "promotion",
  reason: "The server takes writes now; Holdfast prepares it",
  remedy: "",
  warning: null,
  unprepared: false,
});

/** The same once its preparation failed with `problem`, the SQLSTATE and the server's words. Pure. */
export const unprepared = (problem: string): Finding => ({
  ...promoted(),
  reason: `The server takes writes now, and cannot be prepared: ${problem}`,
  remedy: `${
    problem.startsWith("42501")
      ? "Grant Holdfast's role what it lacks (a first start needs: grant create on database … to <role>)"
      : "Mend what the server names"
  }; Holdfast tries again every few seconds`,
  unprepared: true,
});

/** What a refused write says about the server as a whole; undefined when it may be of that one write alone. Pure. */
export function findingOf(sqlState: string, facts: WriteFacts): Finding | undefined {
  if (sqlState === "25006") return readOnlyDefault(facts);
  if (sqlState === "53100") {
    return {
      mode: "read_only",
      cause: "disk_full",
      reason: "The database takes no writes: its disk is full",
      remedy:
        "Make room: drop what is not needed, or a slot that keeps WAL; writing goes on by itself",
      warning: null,
      unprepared: false,
    };
  }
  if (sqlState === "54000") {
    return {
      mode: "read_only",
      cause: "out_of_ids",
      reason: "The database takes no writes: its transaction ids are used up",
      remedy:
        "End old transactions, prepared ones and unused slots, then vacuum (freeze) the oldest tables as a superuser",
      warning: null,
      unprepared: false,
    };
  }
  return undefined;
}
