import type { IndexRow } from "../../../db/collectors/tables/collectors.ts";
import { type CountingServer, createIndexAges } from "./index_ages.ts";
import { type IndexReport, judgeIndexes } from "./indexes.ts";

/** The indexes of the last reading, judged. */
export interface JudgedIndexes {
  all: IndexReport[];
  rows: readonly IndexRow[];
  /** Whether a count of zero means that nothing reads an index: not on a standby, nor soon after its promotion. */
  countsComplete: boolean;
}

/** Judges the indexes of each reading once, by how long no use of each has been counted. */
export function createIndexJudge() {
  const ages = createIndexAges();
  let judged:
    | { rows: readonly IndexRow[]; primarySince: number | undefined; all: IndexReport[] }
    | undefined;
  return {
    /** Records what the server was at `at`, in milliseconds. */
    noteServer: (server: CountingServer, at: number): void => ages.noteServer(server, at),
    /** Returns the judgement of `rows` at `at` (milliseconds), where statistics have counted for `countedSeconds`. */
    judge(rows: readonly IndexRow[], at: number, countedSeconds: number): JudgedIndexes {
      const primarySince = ages.primarySince();
      if (judged?.rows !== rows || judged.primarySince !== primarySince) {
        ages.note(rows, at);
        const all = judgeIndexes(rows, (row) => ages.unusedSeconds(row, at, countedSeconds));
        judged = { rows, primarySince, all };
      }
      return { all: judged.all, rows, countsComplete: ages.areCountsComplete(at) };
    },
  };
}
