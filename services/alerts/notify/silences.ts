import { randomUUID } from "node:crypto";
import { z } from "zod";
import {
  endSilence,
  listSilences,
  saveSilence,
  type SilenceRecord,
} from "../../../db/alerts/silences.ts";
import { isAnswer } from "../../../db/errors.ts";
import type { RecordsDb } from "../../../db/records/records.ts";
import { HoldfastError, messageOf } from "../../../errors.ts";
import type { Logger } from "../../../log.ts";
import type { Clock } from "../../../lib/clock.ts";
import { type Alert, Time } from "../alert.ts";
import type { WriteAccess } from "../../monitor/write_access/access.ts";

/** A time in which channels get no notices of some alerts: from now, or later for a maintenance window. */
export const Silence = z.object({
  id: z.uuid(),
  rule: z.string().nullable().meta({ description: "null: every rule" }),
  scope: z.string().nullable().meta({ description: "null: every scope" }),
  reason: z.string(),
  created_by: z.string(),
  created_at: Time,
  starts_at: Time,
  ends_at: Time,
});
export type Silence = z.infer<typeof Silence>;

export interface SilenceInput {
  rule: string | null;
  scope: string | null;
  reason: string;
  startsAt: Date | undefined;
  endsAt: Date;
}

/** The silence that keeps an alert quiet at `now`; undefined when none does. Pure. */
export function silencedBy(
  alert: Pick<Alert, "rule" | "scope">,
  silences: readonly Silence[],
  now: number,
): string | undefined {
  return silences.find(({ rule, scope, starts_at, ends_at }) =>
    (rule === null || rule === alert.rule) && (scope === null || scope === alert.scope) &&
    Date.parse(starts_at) <= now && now < Date.parse(ends_at)
  )?.id;
}

const fromRecord = (record: SilenceRecord): Silence => ({
  ...record,
  created_at: record.created_at.toISOString(),
  starts_at: record.starts_at.toISOString(),
  ends_at: record.ends_at.toISOString(),
});

const dayMs = 86_400_000;
const longestDays = 366;

/** Silences made while nothing can be written, kept in memory. */
const unsavedMax = 1_000;

/** Silences in the database, and the present ones in memory for when it is away or takes no writes. */
export function createSilences(
  { db, access, clock, log }: {
    db: RecordsDb;
    access: WriteAccess;
    clock: Clock;
    log: Logger;
  },
) {
  let present: Silence[] = [];
  /** Made while nothing could be written; those that ended since stay for a day. */
  let unsaved: SilenceRecord[] = [];

  const stillShown = ({ ends_at }: SilenceRecord) =>
    ends_at.getTime() > clock.now().getTime() - dayMs;

  /** Ids of those that could not be saved, which the log says once of each. */
  const refused = new Set<string>();

  /** Saves what waits; what cannot be saved goes on waiting, and holds all the same. */
  async function saveWaiting(): Promise<void> {
    unsaved = unsaved.filter(stillShown);
    for (const one of unsaved) {
      try {
        await saveSilence(db, one);
      } catch (error) {
        if (!refused.has(one.id)) {
          log.warn("silence_not_saved", { silence: one.id, error: messageOf(error) });
        }
        refused.add(one.id);
        if (isAnswer(error)) continue;
        break;
      }
      refused.delete(one.id);
      // One that was ended meanwhile is saved once more.
      unsaved = unsaved.filter((other) => other !== one);
    }
    for (const id of refused) if (!unsaved.some((one) => one.id === id)) refused.delete(id);
  }

  /** What waits to be saved, and what is stored beside it. */
  const withUnsaved = (stored: readonly SilenceRecord[]): Silence[] =>
    [...unsaved, ...stored.filter(({ id }) => !unsaved.some((one) => one.id === id))]
      .map(fromRecord);

  function endUnsaved(id: string): SilenceRecord | undefined {
    const waiting = unsaved.find((one) => one.id === id);
    if (!waiting) return undefined;
    const now = clock.now();
    const latest = now > waiting.starts_at ? now : waiting.starts_at;
    const ended = { ...waiting, ends_at: latest < waiting.ends_at ? latest : waiting.ends_at };
    unsaved = unsaved.map((one) => one === waiting ? ended : one);
    return ended;
  }

  async function endStored(id: string): Promise<SilenceRecord | undefined> {
    if (access.isWatchOnly()) return undefined;
    access.require();
    return await endSilence(db, id, clock.now());
  }

  return {
    present: (): readonly Silence[] => present,
    /** Saves what waits and reads those that hold or will hold. Throws only when they cannot be read. */
    async refresh(): Promise<void> {
      await saveWaiting();
      present = withUnsaved(await listSilences(db, clock.now()));
    },
    /** Those that hold or will hold, and those that ended within the last day. */
    async list(): Promise<Silence[]> {
      unsaved = unsaved.filter(stillShown);
      const stored = access.isWatchOnly()
        ? []
        : await listSilences(db, new Date(clock.now().getTime() - dayMs));
      return withUnsaved(stored);
    },
    /** Throws `invalid_request` for a time that ends before it begins, is over, or is longer than a year. */
    async create(input: SilenceInput, by: string): Promise<Silence> {
      const now = clock.now();
      const starts = input.startsAt ?? now;
      const message = input.endsAt <= starts
        ? "must be after the start"
        : input.endsAt <= now
        ? "is already over"
        : input.endsAt.getTime() - starts.getTime() > longestDays * dayMs
        ? `must be at most ${longestDays} days after the start`
        : undefined;
      if (message) {
        throw new HoldfastError("invalid_request", `Cannot make the silence: ends_at ${message}`, {
          problems: [{ path: "ends_at", message }],
        });
      }
      const record: SilenceRecord = {
        id: randomUUID(),
        rule: input.rule,
        scope: input.scope,
        reason: input.reason,
        created_by: by,
        created_at: now,
        starts_at: starts,
        ends_at: input.endsAt,
      };
      if (access.canWrite()) await saveSilence(db, record);
      else {
        unsaved = unsaved.filter(stillShown);
        if (unsaved.length >= unsavedMax) {
          throw new HoldfastError(
            "overloaded",
            `${unsavedMax} silences wait to be written; end one, or wait until the database takes writes`,
            { retryAfterSeconds: 30 },
          );
        }
        unsaved.push(record);
      }
      const silence = fromRecord(record);
      present = [...present, silence];
      return silence;
    },
    /** Ends a silence now; it stays in the list for a day. */
    async end(id: string): Promise<Silence> {
      const record = endUnsaved(id) ?? await endStored(id);
      if (!record) throw new HoldfastError("not_found", `No silence has the id ${id}`);
      present = present.filter((one) => one.id !== id);
      return fromRecord(record);
    },
  };
}

export type Silences = ReturnType<typeof createSilences>;
