import type { RecordsDb } from "../../db/records/records.ts";
import {
  findRehearsal,
  listOfAdvice,
  listRehearsals,
  listUnfinished,
  type RehearsalRow,
  saveRehearsal,
} from "../../db/rehearsals/records.ts";
import { cursorParts } from "../../lib/paging/cursor.ts";
import { readPage } from "../../lib/paging/page.ts";
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

export function createRehearsalRepository(records: RecordsDb): RehearsalRepository {
  return {
    save: (rehearsal) => saveRehearsal(records, rowOf(rehearsal)),
    async find(id) {
      const row = cursorParts.uuid(id) ? await findRehearsal(records, id) : undefined;
      return row && rehearsalOf(row);
    },
    async list(query) {
      const { rows, next_cursor } = await readPage(query, {
        parts: [cursorParts.time, cursorParts.uuid],
        read: (after, limit) =>
          listRehearsals(records, {
            limit,
            after: after && { createdAt: new Date(after[0]), id: after[1] },
          }),
        positionOf: (row) => [row.created_at.toISOString(), row.id],
      });
      return { rehearsals: rows.map(rehearsalOf), next_cursor };
    },
    listUnfinished: async () => (await listUnfinished(records, endedStatuses)).map(rehearsalOf),
    listOfAdvice: async () => (await listOfAdvice(records)).toReversed().map(rehearsalOf),
  };
}
