import { randomUUID } from "node:crypto";
import { z } from "zod";
import {
  endSilence,
  listSilences,
  saveSilence,
  type SilenceRecord,
} from "../../../db/alerts/silences.ts";
import type { RecordsDb } from "../../../db/records/records.ts";
import { HoldfastError } from "../../../errors.ts";
import type { Logger } from "../../../log.ts";
import type { Clock } from "../../../lib/clock.ts";
import { type Alert, Time } from "../alert.ts";
import type { WriteAccess } from "../../monitor/write_access/access.ts";
import { dayMs, UnsavedSilences } from "./unsaved_silences.ts";

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

/** Returns the id of the silence that applies to an alert at `now` (ms since 1970); undefined for none. Pure. */
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

const longestDays = 366;

/** Returns why a silence cannot end at `endsAt`; undefined where it can. Pure. */
function endProblem(starts: Date, endsAt: Date, now: Date): string | undefined {
  if (endsAt <= starts) return "must be after the start";
  if (endsAt <= now) return "is already over";
  const isTooLong = endsAt.getTime() - starts.getTime() > longestDays * dayMs;
  return isTooLong ? `must be at most ${longestDays} days after the start` : undefined;
}

export type Silences = ReturnType<typeof createSilences>;

/** Creates the silences: stored in the database, and in memory for when it is unreachable or takes no writes. */
export function createSilences(
  { db, access, clock, log }: {
    db: RecordsDb;
    access: WriteAccess;
    clock: Clock;
    log: Logger;
  },
) {
  let present: readonly Silence[] = [];
  /** Silences made and ended here, so that a read notices one meanwhile. */
  let changes = 0;
  const unsaved = new UnsavedSilences({ now: () => clock.now(), log });

  const withUnsaved = (stored: readonly SilenceRecord[]): Silence[] =>
    unsaved.withStored(stored).map(fromRecord);

  async function endStored(id: string): Promise<SilenceRecord | undefined> {
    if (access.isWatchOnly()) return undefined;
    access.require();
    return await endSilence(db, id, clock.now());
  }

  return {
    /** Returns the silences that apply now or later. */
    present: () => present,
    /** Saves what waits and reads the silences that apply now or later. Throws only where they cannot be read. */
    async refresh(): Promise<void> {
      await unsaved.saveAll((record) => saveSilence(db, record));
      for (;;) {
        const before = changes;
        const stored = await listSilences(db, clock.now());
        if (changes !== before) continue; // what was read may lack a silence that was made or ended meanwhile
        present = withUnsaved(stored);
        return;
      }
    },
    /** Returns the silences that apply now or later, and those that ended within the last day. */
    async list(): Promise<Silence[]> {
      const stored = access.isWatchOnly()
        ? []
        : await listSilences(db, new Date(clock.now().getTime() - dayMs));
      return withUnsaved(stored);
    },
    /** Creates a silence. Throws `invalid_request` where it ends before it starts, is over, or is longer than a year. */
    async create(input: SilenceInput, by: string): Promise<Silence> {
      const now = clock.now();
      const starts = input.startsAt ?? now;
      const message = endProblem(starts, input.endsAt, now);
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
      else unsaved.add(record);
      const silence = fromRecord(record);
      changes++;
      present = [...present, silence];
      return silence;
    },
    /** Ends a silence now; it stays listed for a day. Throws `not_found`. */
    async end(id: string): Promise<Silence> {
      const record = unsaved.end(id) ?? await endStored(id);
      if (!record) throw new HoldfastError("not_found", `No silence has the id ${id}`);
      changes++;
      present = present.filter((one) => one.id !== id);
      return fromRecord(record);
    },
  };
}
