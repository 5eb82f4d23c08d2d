import { HoldfastError } from "../../../errors.ts";
import type { CopyEncoder } from "../../../db/copy.ts";
import type { Sql } from "../../../db/connection.ts";
import { mergeCandles } from "../../../db/market/candles.ts";
import { holdInstruments, type SymbolEntry } from "../../../db/market/instruments.ts";
import { addQuarantined } from "../../../db/market/quarantine.ts";
import { maxCopyRows, type StoredTick } from "../../../db/market/ticks.ts";
import type { Rotation } from "../../partitions/rotation.ts";
import { createCandleBuilder } from "./candle_builder.ts";
import { PresentCopy } from "./present_copy.ts";
import { type FirewallLimits, judgeTicks } from "../judge/firewall.ts";
import type { SymbolDirectory } from "../judge/symbols.ts";
import type { ParsedTick, Refusal, RowBatch } from "../tick.ts";
import { dayOf } from "../timestamp.ts";

/** Candles held in memory before they are merged, about 4 MB. */
const candlesMax = 10_000;
/** Refused rows held in memory before they are written: no other statement can run during a COPY. */
const refusalsMax = 1_000;
/** Attempts to look up instruments that change during an upload. */
const holdAttempts = 5;

export interface WriterOptions {
  directory: SymbolDirectory;
  rotation: Pick<Rotation, "ensureDays" | "hasDays">;
  encoders: readonly [CopyEncoder, CopyEncoder];
  /** Leaves refused rows to the caller instead of putting them in the quarantine. */
  keepRefused?: boolean;
  /** Settles when the transaction is open, when its opening was sent and not awaited. */
  opened?: Promise<void> | undefined;
  now?: () => number;
}

/** Rows of one upload, with the options they are judged by. */
export interface WriterPart {
  batch: RowBatch;
  create: boolean;
  limits: FirewallLimits;
}

export interface Written {
  stored: number;
  refusals: Refusal[];
}

/** Writes rows in a transaction that the caller begins and ends. */
export interface Writer {
  /**
   * Sends the locks of the instruments and the start of the COPY for rows that `write` may store, and waits for neither. Does
   * nothing when instruments have to be looked up or partitions to be made before. Call `pause` before any statement of
   * your own that is not sent yet.
   */
  sendAhead(parts: readonly Pick<WriterPart, "batch">[]): void;
  /** Stores parts in order. The server may still process them after the promise resolves. */
  write(parts: readonly WriterPart[]): Promise<Written[]>;
  /** Ends the open COPY, so that no statement is open while the sender pauses. */
  pause(): Promise<void>;
  /** Ends the open COPY and merges the candles; call before commit. */
  finish(): Promise<void>;
  /**
   * Sends the end of the open COPY and the candles, and returns both statements in this order. They settle when the server
   * has answered.
   */
  finishPipelined(): Promise<Promise<unknown>[]>;
  /** Aborts the open COPY; call before rollback. */
  abort(): Promise<void>;
}

function symbolsOf(parts: readonly Pick<WriterPart, "batch">[]): Set<string> {
  const symbols = new Set<string>();
  let last: ParsedTick | undefined;
  for (const { batch } of parts) {
    for (const tick of batch.ticks) {
      if (tick.symbol !== last?.symbol) symbols.add(tick.symbol);
      last = tick;
    }
  }
  return symbols;
}

function daysOf(ticks: Iterable<{ tsUs: number }>, days: Set<number> = new Set()): Set<number> {
  for (const { tsUs } of ticks) days.add(dayOf(tsUs));
  return days;
}

/** Locks the instruments that are not deleted. Returns false when one changed since it was looked up. */
async function hold(sql: Sql, entries: Iterable<SymbolEntry>): Promise<boolean> {
  const living = [...entries].filter(({ deleted }) => !deleted);
  return living.length === 0 || await holdInstruments(sql, living);
}

export function createWriter(
  sql: Sql,
  {
    directory,
    rotation,
    encoders,
    keepRefused = false,
    opened = Promise.resolve(),
    now = () => performance.now(),
  }: WriterOptions,
): Writer {
  const candles = createCandleBuilder();
  /** Symbols whose instruments are locked for this transaction; undefined: no instrument has the symbol. */
  const settled = new Map<string, SymbolEntry | undefined>();
  const ready = new Set<number>();
  let refused: Refusal[] = [];
  const copy = new PresentCopy(sql, { encoders, now });
  /** What `sendAhead` has sent: cached instruments, and whether their locks found them unchanged. */
  let ahead: { found: ReadonlyMap<string, SymbolEntry>; held: Promise<boolean> } | undefined;

  async function pause(): Promise<void> {
    await copy.end();
    if (refused.length === 0) return;
    await opened;
    const rows = refused;
    refused = [];
    await addQuarantined(sql, rows.map((row) => ({ ...row, detail: row.message })));
  }

  /** Settles the instruments that were locked ahead. When one has changed, all are looked up again. */
  async function settleAhead(): Promise<void> {
    if (!ahead) return;
    const { found, held } = ahead;
    ahead = undefined;
    if (!await held) return directory.forget();
    for (const [symbol, entry] of found) settled.set(symbol, entry);
  }

  async function settle(symbols: ReadonlySet<string>, create: boolean): Promise<void> {
    const open = [...symbols].filter((symbol) =>
      create ? settled.get(symbol) === undefined : !settled.has(symbol)
    );
    if (open.length === 0) return;
    await pause();
    // Looking up may create instruments. Locking them changes nothing, and is sent together with the opening.
    if (!directory.known(open)) await opened;
    for (let attempt = 0; attempt < holdAttempts; attempt++) {
      const found = await directory.resolve(sql, open, create);
      if (await hold(sql, found.values())) {
        for (const symbol of open) settled.set(symbol, found.get(symbol));
        return;
      }
      directory.forget();
    }
    throw new HoldfastError(
      "conflict",
      "The instruments keep changing during this upload; try again",
      {
        retryAfterSeconds: 1,
      },
    );
  }

  /** Judges the parts. Adjacent parts with the same options share one lookup of their instruments. */
  async function judge(parts: readonly WriterPart[]) {
    const judged: ReturnType<typeof judgeTicks>[] = [];
    await settleAhead();
    for (let at = 0; at < parts.length;) {
      const create = parts[at]?.create ?? false;
      const end = parts.findIndex((part, place) => place > at && part.create !== create);
      const alike = parts.slice(at, end < 0 ? parts.length : end);
      await settle(symbolsOf(alike), create);
      for (const { batch, limits } of alike) judged.push(judgeTicks(batch.ticks, settled, limits));
      at += alike.length;
    }
    return judged;
  }

  /** Creates missing partitions before the COPY begins: it sees only those that exist then. */
  async function makeDays(ticks: readonly StoredTick[]): Promise<void> {
    const missing = [...daysOf(ticks)].filter((day) => !ready.has(day));
    if (missing.length === 0) return;
    await pause();
    await rotation.ensureDays(missing);
    for (const day of missing) ready.add(day);
  }

  async function store(ticks: readonly StoredTick[]): Promise<void> {
    await opened; // rows of a COPY outside a transaction would be kept whatever follows
    if (await copy.isFullFor(ticks.length)) await pause();
    candles.add(ticks, await copy.write(ticks));
  }

  async function mergeAll(): Promise<void> {
    await pause();
    await mergeCandles(sql, candles.take());
  }

  return {
    sendAhead(parts) {
      const found = directory.known(symbolsOf(parts));
      if (!found?.size) return;
      const days = new Set<number>();
      for (const { batch } of parts) daysOf(batch.ticks, days);
      if (!rotation.hasDays(days)) return;
      for (const day of days) ready.add(day);
      const held = hold(sql, found.values());
      held.catch(() => {}); // thrown by `settleAhead`
      ahead = { found, held };
      copy.open();
    },
    async write(parts) {
      const written: Written[] = [];
      const passed: (readonly StoredTick[])[] = [];
      for (const [at, { stored, refusals: judged }] of (await judge(parts)).entries()) {
        const earlier = parts[at]?.batch.refusals ?? [];
        const refusals = judged.length === 0
          ? earlier
          : [...earlier, ...judged].sort((a, b) => a.line - b.line);
        written.push({ stored: stored.length, refusals });
        if (!keepRefused) refused.push(...refusals);
        passed.push(stored);
      }
      const ticks = passed.length === 1 ? passed[0]! : ([] as StoredTick[]).concat(...passed);
      if (ticks.length > 0) {
        await makeDays(ticks);
        for (let at = 0; at < ticks.length; at += maxCopyRows) {
          await store(
            at === 0 && ticks.length <= maxCopyRows ? ticks : ticks.slice(at, at + maxCopyRows),
          );
        }
      }
      if (candles.count > candlesMax) await mergeAll();
      else if (refused.length > refusalsMax) await pause();
      return written;
    },
    pause,
    finish: mergeAll,
    async finishPipelined() {
      if (refused.length > 0) await pause();
      const sent = [...await copy.sendEnd(), mergeCandles(sql, candles.take())];
      for (const statement of sent) statement.catch(() => {}); // thrown by the transaction
      return sent;
    },
    abort: () => copy.abort(),
  };
}
