import type { Sql } from "../connection.ts";
import { type Isolation, openingStatement, type SessionOptions } from "../session/start.ts";
import { openAndCommit, type Openings, openings } from "../session/transaction.ts";

interface PendingQuery extends PromiseLike<unknown> {
  execute(): unknown;
}

const isQuery = (value: unknown): value is PendingQuery & object =>
  typeof value === "object" && value !== null && "execute" in value && "then" in value;

/**
 * A client behind a pooler in transaction mode: each statement is sent in a transaction of its own, which begins with our
 * settings and leaves nothing of them on the server's session. One at a time: `sql` must have one connection.
 */
export function inTransactions(sql: Sql, options: SessionOptions): Sql {
  const opening = (isolation: Isolation) => openingStatement(options, isolation);
  const hook: Openings = { plain: sql, opening };
  let last: Promise<unknown> = Promise.resolve();

  const send = (query: PendingQuery) =>
    openAndCommit(sql, opening("read committed"), async () => await query);

  /** The driver's query, but for when it is sent: parts of a statement are queries, too, that are never sent. */
  function wrap(query: PendingQuery & object): unknown {
    let sent: Promise<unknown> | undefined;
    const settle = () => {
      if (!sent) {
        sent = last.then(() => send(query));
        last = sent.catch(() => {});
      }
      return sent;
    };
    const wrapped: unknown = new Proxy(query, {
      get(target, name) {
        if (name === "then" || name === "catch" || name === "finally") {
          const promise = settle();
          return Reflect.get(promise, name).bind(promise);
        }
        const value = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => {
          if (name === "execute") settle();
          const answer = name === "execute" ? target : Reflect.apply(value, target, args);
          return answer === target ? wrapped : answer;
        };
      },
    });
    return wrapped;
  }

  return new Proxy(sql, {
    apply(target, self, args) {
      const answer: unknown = Reflect.apply(
        target as unknown as (...args: unknown[]) => unknown,
        self,
        args,
      );
      return isQuery(answer) ? wrap(answer) : answer;
    },
    get(target, name) {
      if (name === openings) return hook;
      const value = Reflect.get(target, name);
      if (name !== "unsafe") return value;
      return (...args: unknown[]) => wrap(Reflect.apply(value, target, args));
    },
  });
}
