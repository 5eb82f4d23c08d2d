import type { Sql } from "./connection.ts";
import { endsWithin } from "../lib/deadline.ts";

/** The part of the driver's queries by which a statement is cancelled. Its types do not name it. */
interface DriverQuery {
  /** The session's process and secret, once the query has been sent. */
  state: object | null;
  canceller: ((query: { state: object; active: true }) => Promise<void>) | null;
}

/** Longest wait for the server to take a request to cancel; milliseconds. */
const cancelMs = 1_000;
/** Of the queries made last, one has been sent: those before it are parts of it, or have ended. */
const queriesKept = 8;

const isQuery = (value: unknown): value is DriverQuery =>
  typeof value === "object" && value !== null && "canceller" in value && "state" in value;

/** Notes the queries made on one connection, and cancels what its session is doing. */
export class Canceller {
  #queries: DriverQuery[] = [];

  /** Notes what a client has made, and returns it. */
  note<T>(made: T): T {
    if (isQuery(made)) {
      this.#queries.push(made);
      if (this.#queries.length > queriesKept) this.#queries.shift();
    }
    return made;
  }

  /**
   * Asks the server, over a connection of its own as the protocol has it, to cancel what the session does. The driver's
   * `cancel` does so only until a COPY has begun. Resolves when the server has taken it, or has had the time to.
   */
  async cancel(): Promise<void> {
    const sent = this.#queries.find(({ state, canceller }) => state !== null && canceller !== null);
    if (!sent?.state || !sent.canceller) return;
    const asked = sent.canceller({ state: sent.state, active: true });
    await endsWithin(asked.catch(() => {}), cancelMs);
  }
}

/** The client as before, but each query it makes is noted. */
export function noting(client: Sql, canceller: Canceller): Sql {
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
