import type { Sql } from "../../../db/connection.ts";
import { codeOf, describeDatabaseError, isUnreachable } from "../../../db/errors.ts";
import { sqlState } from "../../../db/sql_state.ts";
import {
  type BlockRange,
  type BucketRow,
  type ContentColumn,
  type ContentKey,
  hashBlocks,
} from "../../../db/partitions/proof/content.ts";
import type { TableName } from "../../../db/partitions/ddl.ts";
import { addTallies, noRows, type Tally } from "./manifest.ts";

/** Blocks hashed by one statement: 32 MiB, about half a second. */
const chunkBlocks = 4_096;
/** At most so many damaged ranges are listed. */
const unreadableMax = 20;

export interface Unreadable {
  from: number;
  to: number;
  error: string;
}

export interface Content {
  total: Tally;
  buckets: Tally[];
  min: string | null;
  max: string | null;
  /** Blocks that the server could not read. */
  unreadable: Unreadable[];
}

export interface ContentQuestion {
  leaf: TableName;
  columns: readonly ContentColumn[];
  key: ContentKey;
  thresholds: readonly string[];
  blocks: number;
  nested?: boolean;
  /** Once it has aborted, an error is not taken for one of the blocks. */
  signal?: AbortSignal | undefined;
  /** Called after each chunk with the blocks and the rows done. */
  onProgress?: (blocks: number, rows: number) => void;
}

/** Says whether the error is about locks or the connection, not about the blocks. */
const passing = (error: unknown) =>
  isUnreachable(error) ||
  [
    sqlState.readOnlySqlTransaction,
    sqlState.lockNotAvailable,
    sqlState.deadlockDetected,
    sqlState.insufficientPrivilege,
    sqlState.undefinedTable,
    sqlState.undefinedColumn,
  ].includes(codeOf(error));

/** Reads a range of blocks; where the server fails, halves it until the damaged blocks are found, and reads the rest. */
async function hashRange(
  sql: Sql,
  question: ContentQuestion,
  range: BlockRange,
  unreadable: Unreadable[],
): Promise<BucketRow[]> {
  try {
    return await hashBlocks(sql, question.leaf, question, range);
  } catch (error) {
    if (passing(error) || question.signal?.aborted) throw error;
    if (range.to - range.from === 1 || unreadable.length >= unreadableMax) {
      unreadable.push({ ...range, error: describeDatabaseError(error) });
      return [];
    }
    const middle = Math.floor((range.from + range.to) / 2);
    return [
      ...await hashRange(sql, question, { from: range.from, to: middle }, unreadable),
      ...await hashRange(sql, question, { from: middle, to: range.to }, unreadable),
    ];
  }
}

/**
 * Hashes the content of a leaf on the server, chunk by chunk, each in a short transaction, on a connection that nothing
 * else uses meanwhile. The server compares the ends of the key within a chunk, `isLess` between chunks.
 */
export async function measureContent(
  sql: Sql,
  question: ContentQuestion,
  isLess: (a: string, b: string) => boolean,
): Promise<Content> {
  const content: Content = {
    total: noRows,
    buckets: Array.from({ length: question.thresholds.length + 1 }, () => noRows),
    min: null,
    max: null,
    unreadable: [],
  };
  for (let from = 0; from < question.blocks; from += chunkBlocks) {
    const range = { from, to: Math.min(from + chunkBlocks, question.blocks) };
    for (const row of await hashRange(sql, question, range, content.unreadable)) {
      const tally = { rows: row.rows, lane1: BigInt(row.lane1), lane2: BigInt(row.lane2) };
      content.total = addTallies(content.total, tally);
      content.buckets[row.bucket] = addTallies(content.buckets[row.bucket] ?? noRows, tally);
      const { least, most } = row;
      if (least !== null && (content.min === null || isLess(least, content.min))) {
        content.min = least;
      }
      if (most !== null && (content.max === null || isLess(content.max, most))) content.max = most;
    }
    question.onProgress?.(range.to, content.total.rows);
  }
  return content;
}
