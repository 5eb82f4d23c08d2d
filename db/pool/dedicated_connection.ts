import { HoldfastError } from "../../errors.ts";
import { Canceller, endSession, withCanceller } from "../cancel.ts";
import { type ConnectOptions, connectSql, type Sql } from "../connection.ts";
import { isUnreachable, refusesWrites } from "../errors.ts";
import { inTransactions } from "./pooled_session.ts";
import { settleStatement } from "../session/start.ts";

/** One connection, made when first used and made anew after it was lost. */
export interface DedicatedConnection {
  /** Runs `work` on the connection; once it is lost, every further statement of that work is refused. */
  use<T>(work: (sql: Sql) => Promise<T>, options?: { abandonable?: boolean }): Promise<T>;
  /** Drops the connection, whatever it is doing. */
  replace(): void;
  /** The same for what nobody waits for any more: the server ends its statement, too. */
  abandon(): Promise<void>;
  /** Drops the connection once no work uses it, so that the next work begins a new session. */
  renew(): void;
  end(): Promise<void>;
}

interface Use {
  lost: boolean;
  /** Where the work may be abandoned. */
  canceller: Canceller | undefined;
}

/** Thrown when the settings of a new session did not arrive: a pooler between has swallowed them. */
export class SettingsSwallowed extends Error {}

/** The client as seen by one piece of work: it throws instead of sending on a connection that is not the same. */
function guard(client: Sql, use: Use): Sql {
  const check = () => {
    if (use.lost) {
      throw new HoldfastError("database_unavailable", "The connection to the database was lost", {
        retryAfterSeconds: 1,
      });
    }
  };
  return new Proxy(client, {
    apply(target, self, args) {
      check();
      return Reflect.apply(target as unknown as (...args: unknown[]) => unknown, self, args);
    },
    get(target, name) {
      if (name === "unsafe") check();
      return Reflect.get(target, name);
    },
  });
}

/**
 * postgres.js opens a new connection behind a lost one, silently: inside a transaction the next statement would
 * then commit by itself. And after a loss a reserved connection crashes the process, and bytes left in its buffer
 * spoil the reconnect. So each client here has one connection, and none is used again after a loss.
 *
 * With `idleMs` the session ends once no work has used it for that long; the next work begins another.
 */
export function createDedicatedConnection(
  options: () => Omit<ConnectOptions, "max" | "onClose">,
  { onVersion = () => {}, idleMs }: {
    onVersion?: (version: number) => void;
    idleMs?: number | undefined;
  } = {},
): DedicatedConnection {
  let current: Use | undefined;
  /** How the last session was opened; without `onClose`, which would keep its client in memory after its end. */
  let opened: Omit<ConnectOptions, "onClose">;
  /** Whether the session behind the client is known to have all its settings. */
  let settled = false;
  /** Made when first used: further databases of a process have many connections that are rarely used. */
  let client: Sql | undefined;
  let stale = false;
  let idle: ReturnType<typeof setTimeout> | undefined;
  let ended = false;

  function open(): Sql {
    settled = false;
    opened = { ...options(), mark: crypto.randomUUID(), max: 1, readTypes: false };
    const made: Sql = connectSql({
      ...opened,
      onClose: () => {
        if (made !== client) return;
        settled = false;
        // At once: what still waits in the driver would be sent on its next connection, outside of its transaction.
        if (current) replace();
      },
    });
    return client = made;
  }

  /** The client for one piece of work, with the session's settings as they must be. */
  async function prepare(guarded: Sql): Promise<Sql> {
    if (opened.pooled) return inTransactions(guarded, opened);
    if (settled) return guarded;
    const { purpose = "work", mark = "", cautious } = opened;
    settled = true;
    try {
      const [row] = await guarded.unsafe<{ version: number }[]>(
        settleStatement(purpose, mark, { cautious }),
      );
      if (!row) throw new SettingsSwallowed("A pooler does not pass on settings");
      onVersion(row.version);
    } catch (error) {
      settled = false;
      throw error;
    }
    return guarded;
  }

  /** Ends the statements that the session was sent: cancels one, and ends the session where others wait behind it. */
  async function endStatements(canceller: Canceller | undefined): Promise<void> {
    // A pooler's process ids are not the server's.
    const pid = canceller && !opened.pooled ? canceller.pipelinedProcess() : undefined;
    if (pid !== undefined && await endSession(opened, pid)) return;
    await canceller?.cancel();
  }

  function replace(): void {
    clearTimeout(idle);
    const old = client;
    client = undefined;
    stale = false;
    if (current) current.lost = true;
    old?.end({ timeout: 0 }).catch(() => {});
  }

  return {
    async use(work, { abandonable = false } = {}) {
      const canceller = abandonable ? new Canceller() : undefined;
      const use: Use = { lost: false, canceller };
      clearTimeout(idle);
      const mine = client ?? open();
      current = use;
      try {
        const plain = canceller ? withCanceller(mine, canceller) : mine;
        return await work(await prepare(guard(plain, use)));
      } catch (error) {
        // A session keeps the read-only default it began with: one made anew has the present one.
        if (isUnreachable(error) || refusesWrites(error)) use.lost = true;
        throw error;
      } finally {
        if (current === use) current = undefined;
        if ((use.lost || stale) && client === mine) replace();
        else if (idleMs !== undefined && !ended) idle = setTimeout(replace, idleMs);
      }
    },
    replace,
    async abandon() {
      const mine = client;
      const use = current;
      // Work that goes on after its cancelled statement sends no other one.
      if (use) use.lost = true;
      await endStatements(use?.canceller);
      // The request to cancel may reach the session late: no other work may be there by then.
      if (client === mine) replace();
    },
    renew() {
      if (current) stale = true;
      else replace();
    },
    async end() {
      ended = true;
      clearTimeout(idle);
      await client?.end({ timeout: 5 }).catch(() => {});
    },
  };
}
