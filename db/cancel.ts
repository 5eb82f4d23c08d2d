import { type ConnectOptions, connectSql, type Sql } from "./connection.ts";
import { endsWithin } from "../lib/deadline.ts";

/** The part of the driver's queries by which a statement is cancelled. Its types do not name it. */
interface DriverQuery {
  /** The session's process and secret, once the query has been sent. */
  state: object | null;
  /** Whether the server answers it now; those that were sent behind it wait for that. */
  active: boolean;
  canceller: ((query: { state: object; active: true }) => Promise<void>) | null;
}

/** Longest wait for the server to accept a cancel request; milliseconds. */
const cancelMs = 1_000;
/** Longest wait for the end of a session, for which another one must begin; milliseconds. */
const endMs = 5_000;
/** Of the queries made last, one has been sent: those before it are parts of it, or have ended. More may wait behind it. */
const queriesKept = 8;

const isQuery = (value: unknown): value is DriverQuery =>
  typeof value === "object" && value !== null && "canceller" in value && "state" in value;

/** Registers the queries made on one connection, and cancels the statement that its session runs. */
export class Canceller {
  #queries: DriverQuery[] = [];
  /** The last that was sent of those no longer kept: all of one connection name the same session. */
  #sent: DriverQuery | undefined;

  /** Registers a query that a client has made, and returns it. */
  note<T>(made: T): T {
    if (isQuery(made)) {
      this.#queries.push(made);
      if (this.#queries.length > queriesKept) {
        const dropped = this.#queries.shift();
        if (dropped?.state && !this.#sent?.active) this.#sent = dropped;
      }
    }
    return made;
  }

  /**
   * Returns the server's process where further statements were sent behind the one that runs: outside of a transaction, they
   * would go on after it is cancelled. Undefined where there are none.
   */
  pipelinedProcess(): number | undefined {
    const sent = [this.#sent, ...this.#queries].filter((query) => query && query.state !== null);
    const at = sent.findIndex((query) => query?.active);
    if (at === -1 || at === sent.length - 1) return undefined;
    const { pid } = sent[at]?.state as { pid?: unknown };
    return typeof pid === "number" ? pid : undefined;
  }

  /**
   * Sends a cancel request over a separate connection, as the protocol requires. The driver's `cancel` does so only until a
   * COPY has begun. Resolves when the server has accepted the request, or after a second.
   */
  async cancel(): Promise<void> {
    const isSent = ({ state, canceller }: DriverQuery) => state !== null && canceller !== null;
    const sent = this.#queries.find(isSent) ?? this.#sent;
    if (!sent?.state || !sent.canceller) return;
    const asked = sent.canceller({ state: sent.state, active: true });
    await endsWithin(asked.catch(() => {}), cancelMs);
  }
}

/**
 * Ends a session of the same role at once, and with it all statements that it was sent. Returns whether it did, within five
 * seconds; false for a session of another server or of a pooler, whose process ids are its own.
 */
export async function endSession(
  options: Omit<ConnectOptions, "onClose" | "max">,
  pid: number,
): Promise<boolean> {
  const sql = connectSql({ ...options, max: 1, readTypes: false });
  let isEnded = false;
  const ending = sql<{ ended: boolean }[]>`
    select pg_terminate_backend(pid) as ended
    from pg_stat_activity
    where pid = ${pid}
      and usename = current_user
      and application_name = ${options.applicationName}
      and pid <> pg_backend_pid()`.then(([row]) => isEnded = row?.ended === true);
  try {
    await endsWithin(ending, endMs);
  } catch {
    // The statement that runs is then cancelled, like every other one.
  } finally {
    sql.end({ timeout: 0 }).catch(() => {});
  }
  return isEnded;
}

/** Returns a client that registers each query it makes with the canceller. */
export function withCanceller(client: Sql, canceller: Canceller): Sql {
  return new Proxy(client, {
    apply: (target, self, args) =>
      canceller.note(
        Reflect.apply(target as unknown as (...args: unknown[]) => unknown, self, args),
      ),
    get(target, name) {
      const value = Reflect.get(target, name);
      if (name !== "unsafe") return value;
      return (...args: unknown[]) => canceller.note(Reflect.apply(value, target, args));
    },
  });
}
