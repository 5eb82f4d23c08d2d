import type { SeenLock } from "../../../db/rehearsals/effects.ts";
import type { HeldLock } from "../rehearsal.ts";

interface Span {
  lock: string;
  relation: string;
  firstMs: number;
  lastMs: number;
  blocked: Set<string>;
}

/** Most locks in a report; a change of a table with thousands of partitions takes more. */
const reportedMax = 50;

/** Combines samples of locks into how long each was held and who waited for it. Does no I/O. */
export function createLockRecord() {
  const spans = new Map<string, Span>();
  const spanOf = ({ mode, relation }: Pick<SeenLock, "mode" | "relation">, atMs: number): Span => {
    const key = `${mode} ${relation}`;
    const known = spans.get(key);
    if (known) return known;
    const span = { lock: mode, relation, firstMs: atMs, lastMs: atMs, blocked: new Set<string>() };
    spans.set(key, span);
    return span;
  };
  return {
    /** Adds a sample: `changer` is the session of the change, `clients` maps the other sessions to their names. */
    note(
      locks: readonly SeenLock[],
      atMs: number,
      { changer, clients }: { changer: string; clients: Readonly<Record<string, string>> },
    ): void {
      for (const lock of locks) {
        if (lock.application === changer && lock.granted) spanOf(lock, atMs).lastMs = atMs;
      }
      for (const lock of locks) {
        const client = clients[lock.application];
        if (client === undefined || lock.granted) continue;
        for (const span of spans.values()) {
          if (span.relation === lock.relation && span.lastMs === atMs) span.blocked.add(client);
        }
      }
    },
    /** Adds the locks that a transaction held at its end; `sinceMs` is the earliest it can have taken them. */
    noteHeld(
      locks: readonly Pick<SeenLock, "mode" | "relation">[],
      { sinceMs, untilMs }: { sinceMs: number; untilMs: number },
    ): void {
      for (const lock of locks) {
        const known = spans.has(`${lock.mode} ${lock.relation}`);
        const span = spanOf(lock, sinceMs);
        span.lastMs = Math.max(span.lastMs, untilMs);
        // No sample shows when it was taken: it counts from the statement's start.
        if (!known) span.firstMs = sinceMs;
      }
    },
    report(): HeldLock[] {
      return [...spans.values()]
        .map(({ lock, relation, firstMs, lastMs, blocked }) => ({
          lock,
          relation,
          held_ms: Math.max(0, lastMs - firstMs),
          blocked: [...blocked].sort(),
        }))
        .sort((a, b) => b.blocked.length - a.blocked.length || b.held_ms - a.held_ms)
        .slice(0, reportedMax);
    },
  };
}

export type LockRecord = ReturnType<typeof createLockRecord>;
