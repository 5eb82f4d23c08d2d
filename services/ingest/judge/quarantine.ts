import type { Config } from "../../../config/config.ts";
import {
  claimQuarantined,
  listQuarantined,
  purgeQuarantined,
  type QuarantineEntry,
  type QuarantineFilter,
  removeQuarantined,
  takeQuarantined,
} from "../../../db/market/quarantine.ts";
import { readTrustedMs } from "../../../db/server/clock.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import { HoldfastError } from "../../../errors.ts";
import { cursorParts, readCursor, writeCursor } from "../../../lib/paging/cursor.ts";
import { type Page, readPage } from "../../../lib/paging/page.ts";
import { boundOf } from "../../market/service.ts";
import type { Ingest } from "../service.ts";
import { readJsonLine } from "../parse/parse_ndjson.ts";
import type { IngestAnswer } from "../upload.ts";
import { isRefusal, type ParsedTick, type RawFields, readTick, type Refusal } from "../tick.ts";

/** Rows of one bulk retry: they are read into memory and stored in one transaction. */
export const retriedMax = 1_000;
const problemsShown = 20;
const purgedAtOnce = 5_000;
/** A purge returns after about this time and says whether it is complete; milliseconds. */
const purgeBudgetMs = 15_000;
const dayUs = 86_400_000_000;

export interface QuarantineQuery {
  reason?: string | undefined;
  symbol?: string | undefined;
  /** Times of arrival, RFC 3339; `from` is included, `to` is not. */
  from?: string | undefined;
  to?: string | undefined;
}

export interface RetryOptions {
  create: boolean;
  backfill: boolean;
}

export interface BulkRetryAnswer {
  retried: number;
  stored: number;
  still_quarantined: number;
  errors: { id: string; path: string; message: string }[];
  next_cursor: string | null;
}

export interface Quarantine {
  list(query: QuarantineQuery & { limit: number; cursor?: string | undefined }): Promise<
    Page<QuarantineEntry>
  >;
  /** Stores a row, or the corrected `tick` in its place. A row that is refused again stays in the quarantine. */
  retry(id: string, options: RetryOptions & { tick?: unknown }): Promise<IngestAnswer>;
  /** Stores at most 1,000 rows, oldest first. Rows that are refused again stay in the quarantine. */
  retryMany(
    query: QuarantineQuery & RetryOptions & {
      ids?: string[] | undefined;
      cursor?: string | undefined;
    },
  ): Promise<BulkRetryAnswer>;
  /** Deletes one row. Throws `not_found`. */
  discard(id: string): Promise<void>;
  /** Deletes rows in small transactions; `complete` says whether all matching rows are deleted. */
  purge(query: QuarantineQuery): Promise<{ purged: number; complete: boolean }>;
  /** Deletes rows older than HOLDFAST_QUARANTINE_DAYS and returns their number. */
  expire(): Promise<number>;
}

function filterOf({ reason, symbol, from, to }: QuarantineQuery): QuarantineFilter {
  return { reason, symbol, fromUs: boundOf("from", from), toUs: boundOf("to", to) };
}

const unknownRow = (id: string) =>
  new HoldfastError("not_found", `No quarantined row has the id ${id}`);

function stillRefused({ line, path, message, malformed }: Refusal): HoldfastError {
  const cure = malformed
    ? '. The row itself is malformed: send a corrected one as {"tick": {"ts": …, "symbol": …, "price": …, "size": …}}'
    : "";
  // Thrown, so that the transaction is rolled back.
  return new HoldfastError("conflict", `Still refused: ${message}${cure}`, {
    problems: [{ line, path, message }],
  });
}

/** Reads the corrected tick of a request by the rules of an upload. */
function readCorrected(tick: unknown, line: number): ParsedTick {
  const row = tick === null || typeof tick !== "object" || Array.isArray(tick)
    ? undefined
    : readTick(tick as RawFields, line, () => "");
  if (row && !isRefusal(row)) return row;
  const { path, message } = row ?? { path: "", message: "it must be an object" };
  throw new HoldfastError("invalid_request", `Cannot read the corrected tick: ${message}`, {
    problems: [{ path: path === "" ? "tick" : `tick.${path}`, message }],
  });
}

/** Lists, retries and deletes quarantined rows. */
export function createQuarantine(
  { pool, ingest, config, now = () => performance.now() }: {
    pool: Pool;
    ingest: Pick<Ingest, "rewrite">;
    config: Pick<Config, "HOLDFAST_QUARANTINE_DAYS">;
    now?: () => number;
  },
): Quarantine {
  async function purge(filter: QuarantineFilter): Promise<{ purged: number; complete: boolean }> {
    const started = now();
    for (let purged = 0;;) {
      const removed = await pool.run((sql) =>
        purgeQuarantined(sql, { ...filter, limit: purgedAtOnce })
      );
      purged += removed;
      if (removed < purgedAtOnce) return { purged, complete: true };
      if (now() - started > purgeBudgetMs) return { purged, complete: false };
    }
  }

  return {
    list: (query) =>
      readPage(query, {
        parts: [cursorParts.number],
        read: (position, limit) =>
          pool.run((sql) =>
            listQuarantined(sql, { ...filterOf(query), before: position?.[0], limit })
          ),
        positionOf: (row) => [row.id],
      }),
    async retry(id, { tick, ...options }) {
      return await ingest.rewrite(options, async (sql, write) => {
        const entry = await takeQuarantined(sql, id);
        if (!entry) throw unknownRow(id);
        const row = tick === undefined
          ? readJsonLine(entry.raw, entry.line ?? 1)
          : readCorrected(tick, entry.line ?? 1);
        if (isRefusal(row)) throw stillRefused(row);
        const [refusal] = await write([row]);
        if (refusal) throw stillRefused(refusal);
        return { accepted: 1, quarantined: 0, replayed: false };
      });
    },
    async retryMany({ ids, cursor, create, backfill, ...query }) {
      const position = readCursor(cursor, [cursorParts.number]);
      const filter = { ...filterOf(query), ids, after: position?.[0], limit: retriedMax };
      return await ingest.rewrite({ create, backfill }, async (sql, write) => {
        const entries = await claimQuarantined(sql, filter);
        // The index stands for the line, so that a refusal identifies its row.
        const rows = entries.map(({ raw }, at) => readJsonLine(raw, at));
        const ticks = rows.filter((row): row is ParsedTick => !isRefusal(row));
        const refusals = [
          ...rows.filter(isRefusal),
          ...(ticks.length > 0 ? await write(ticks) : []),
        ];
        const still = new Set(refusals.map(({ line }) => line));
        const stored = entries.filter((_, at) => !still.has(at)).map(({ id }) => id);
        await removeQuarantined(sql, stored);
        return {
          retried: entries.length,
          stored: stored.length,
          still_quarantined: still.size,
          errors: refusals.slice(0, problemsShown).map(({ line, path, message }) => ({
            id: entries[line]?.id ?? "",
            path,
            message,
          })),
          next_cursor: entries.length === retriedMax
            ? writeCursor([entries.at(-1)?.id ?? ""])
            : null,
        };
      });
    },
    async discard(id) {
      if (!await pool.run((sql) => takeQuarantined(sql, id))) throw unknownRow(id);
    },
    purge: (query) => purge(filterOf(query)),
    async expire() {
      const keepDays = config.HOLDFAST_QUARANTINE_DAYS;
      if (keepDays === 0) return 0; // kept without limit
      const nowUs = Math.floor(await pool.run(readTrustedMs)) * 1000;
      return (await purge({ toUs: Math.max(0, nowUs - keepDays * dayUs) })).purged;
    },
  };
}
