import type { Sql } from "./connection.ts";
import { endsWithin } from "../lib/deadline.ts";

/** The part of the driver's queries by which a statement is cancelled. Its types do not name it. */
interface DriverQuery {
  /** The session's process and secret, once the query has been sent. */
  state: object | null;
  canceller: ((query: { state: object; active: true }) => Promise<void>) | null;
}

/** Longest wait for the server to accept a cancel request; milliseconds. */
const cancelMs = 1_000;
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
        if (dropped?.state) this.#sent = dropped;
      }
    }
    return made;
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
