import type { EventJournal, LiveEvent, StoredEvent } from "../../db/live/events.ts";

/** How an answer of the journal goes wrong: the server is away, or takes the events and its answer is lost. */
export type Trouble = "away" | "answer lost";

/** The journal in memory, shared by several Holdfasts; `trouble` decides about each call. */
export function createMemoryJournal() {
  const rows: StoredEvent[] = [];
  let last = 0;

  function append(events: readonly LiveEvent[]): (number | null)[] {
    return events.map((event) => {
      const there = rows.find(({ id }) => id === event.id);
      if (there) return there.position;
      const before = rows.findLast(({ topic }) => event.topic !== null && topic === event.topic);
      if (before && before.digest === event.digest) return null;
      rows.push({ ...event, position: ++last, ageMs: 1e9 });
      return last;
    });
  }

  return {
    rows,
    /** Loses the events after `position`, as a server that was restored has. */
    goBackTo(position: number): void {
      while ((rows.at(-1)?.position ?? 0) > position) rows.pop();
      last = position;
    },
    connect({ trouble = () => undefined }: { trouble?: () => Trouble | undefined } = {}) {
      let listens = 0;
      async function ask<T>(work: () => T): Promise<T> {
        await Promise.resolve();
        const what = trouble();
        if (what === "away") throw Object.assign(new Error("away"), { code: "ECONNREFUSED" });
        const answer = work();
        if (what === "answer lost") {
          throw Object.assign(new Error("lost"), { code: "CONNECTION_CLOSED" });
        }
        return answer;
      }
      const journal: EventJournal = {
        append: (events) => ask(() => append(events)),
        from: (position, limit) =>
          ask(() => rows.filter((row) => row.position >= position).slice(0, limit)),
        newest: (limit) => ask(() => rows.slice(-limit)),
        prune: (keep) => ask(() => void rows.splice(0, Math.max(0, rows.length - keep))),
        listen: () => ask(() => ++listens > 0),
      };
      return journal;
    },
  };
}

export type MemoryJournal = ReturnType<typeof createMemoryJournal>;
