import type { RecordsDb } from "../../db/records/records.ts";
import {
  findRehearsal,
  listOfAdvice,
  listRehearsals,
  listUnfinished,
  type RehearsalRow,
  saveRehearsal,
} from "../../db/rehearsals/records.ts";
import { cursorParts, readCursor, writeCursor } from "../market/cursor.ts";
import type { Rehearsal } from "./rehearsal.ts";
import { endedStatuses } from "./state.ts";

/** Stored rehearsals. */
export interface RehearsalRepository {
  save(rehearsal: Rehearsal): Promise<void>;
  find(id: string): Promise<Rehearsal | undefined>;
  /** Lists rehearsals, newest first. Throws `invalid_request` for a cursor that is not one of this list. */
  list(
    page: { limit: number; cursor?: string | undefined },
  ): Promise<{ rehearsals: Rehearsal[]; next_cursor: string | null }>;
  /** Lists rehearsals that have not ended by their record. */
  listUnfinished(): Promise<Rehearsal[]>;
  /** Lists the finished rehearsals of recommendations, oldest first. */
  listOfAdvice(): Promise<Rehearsal[]>;
}

/** Reads a record; those of an older Holdfast have no candidates. */
const rehearsalOf = (row: RehearsalRow): Rehearsal => ({
  ...row.body as Rehearsal,
  candidates: (row.body as Partial<Rehearsal>).candidates ?? [],
});

const rowOf = (rehearsal: Rehearsal): RehearsalRow => ({
  id: rehearsal.id,
  status: rehearsal.status,
  recommendation: rehearsal.recommendation,
  created_at: new Date(rehearsal.created_at),
  finished_at: rehearsal.finished_at === null ? null : new Date(rehearsal.finished_at),
  body: rehearsal,
});

const isDate = (part: string) => cursorParts.time(part) && !Number.isNaN(Date.parse(part));

export function createRehearsalRepository(records: RecordsDb): RehearsalRepository {
  return {
    save: (rehearsal) => saveRehearsal(records, rowOf(rehearsal)),
    async find(id) {
      const row = cursorParts.uuid(id) ? await findRehearsal(records, id) : undefined;
      return row && rehearsalOf(row);
    },
    async list({ limit, cursor }) {
      const position = readCursor(cursor, [isDate, cursorParts.uuid]);
      const after = position && { createdAt: new Date(position[0]!), id: position[1]! };
      const rows = await listRehearsals(records, { limit: limit + 1, after });
      const last = rows.length > limit ? rows[limit - 1] : undefined;
      return {
        rehearsals: rows.slice(0, limit).map(rehearsalOf),
        next_cursor: last ? writeCursor([last.created_at.toISOString(), last.id]) : null,
      };
    },
    listUnfinished: async () => (await listUnfinished(records, endedStatuses)).map(rehearsalOf),
    listOfAdvice: async () => (await listOfAdvice(records)).toReversed().map(rehearsalOf),
  };
}
