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
import type { Rehearsal, StatementResult } from "./rehearsal.ts";
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

/** Reads a record; those of an older Holdfast have no candidates, no upgrade, and no costs of generic plans. */
function rehearsalOf({ body }: RehearsalRow): Rehearsal {
  const rehearsal = body as Rehearsal;
  const { candidates, upgrade, statements } = body as Partial<Rehearsal>;
  return {
    ...rehearsal,
    candidates: candidates ?? [],
    upgrade: upgrade ?? null,
    statements: (statements ?? []).map((one) => ({
      ...one,
      generic_cost: (one as Partial<StatementResult>).generic_cost ?? null,
    })),
  };
}

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
