import { earliestUs, formatTimestamp, isStoredTime, parseTimestamp } from "./timestamp.ts";

/** A tick as a client sent it, with the line (from 1) it stood on. */
export interface ParsedTick {
  line: number;
  /** 0 until the firewall has found it. */
  instrumentId: number;
  tsUs: number;
  symbol: string;
  price: number;
  size: number;
  exchange: string | null;
  side: string | null;
  tradeId: string | null;
}

export type RefusalReason =
  | "unparsable"
  | "not_finite"
  | "negative"
  | "future"
  | "stale"
  | "unknown_instrument"
  | "deleted_instrument"
  | "off_tick_size";

/** A row that will not become a tick, and why. */
export interface Refusal {
  line: number;
  reason: RefusalReason;
  path: string;
  message: string;
  raw: string;
  /** The feed it came from, where that could be read. */
  symbol: string | null;
  /** Wrong in itself, whatever the clock and the instruments say: the sender's mistake. */
  malformed: boolean;
}

export interface RowBatch {
  ticks: ParsedTick[];
  refusals: Refusal[];
}

const rawMax = 2_000;
export const symbolMax = 64;
export const labelMax = 32;
export const idMax = 128;
/** Far beyond any market; sums of sizes, and of price times size, then stay finite. */
export const numberMax = 1e30;
/** Zero, or at least this: products and squares of smaller numbers fall below what a double can hold. */
export const numberMin = 1e-30;

/** Says whether sums, products and squares of a price or size stay finite and above zero. */
export const isWithinBounds = (value: number) =>
  value <= numberMax && (value >= numberMin || value === 0);

/** Says whether text may enter the database: no control characters, no half of a surrogate pair. */
function isClean(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0x20 || (unit >= 0x7f && unit < 0xa0)) return false;
  }
  return text.isWellFormed();
}

/** A row that cannot be read as a tick. */
export function refuse(
  line: number,
  path: string,
  message: string,
  raw: string,
  reason: RefusalReason = "unparsable",
  malformed = true,
  symbol: string | null = null,
): Refusal {
  return { line, reason, path, message, raw: raw.slice(0, rawMax), symbol, malformed };
}

/** The fields of one row before they are judged: as JSON or CSV gave them. */
export interface RawFields {
  ts: unknown;
  symbol: unknown;
  price: unknown;
  size: unknown;
  exchange: unknown;
  side: unknown;
  trade_id: unknown;
}

function kindOf(value: unknown): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  return Array.isArray(value)
    ? "an array"
    : typeof value === "object"
    ? "an object"
    : `a ${typeof value}`;
}

type Fault = { path: string; message: string; reason?: RefusalReason };

function numberFault(path: string, value: unknown): Fault | undefined {
  if (typeof value !== "number") {
    return { path, message: `${path} must be a number, it is ${kindOf(value)}` };
  }
  if (!Number.isFinite(value)) {
    return { path, message: `${path} must be finite, it is ${value}`, reason: "not_finite" };
  }
  if (value < 0) {
    return { path, message: `${path} must not be negative, it is ${value}`, reason: "negative" };
  }
  if (value > numberMax) return { path, message: `${path} must be at most ${numberMax}` };
  if (!isWithinBounds(value)) {
    return { path, message: `${path} must be 0 or at least ${numberMin}` };
  }
  return undefined;
}

function labelFault(path: string, value: unknown, max: number): Fault | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string") {
    return { path, message: `${path} must be a string, it is ${kindOf(value)}` };
  }
  if (value.length > max) return { path, message: `${path} must have at most ${max} characters` };
  if (!isClean(value)) return { path, message: `${path} must not have control characters` };
  return undefined;
}

function timeFault(value: unknown, tsUs: number): Fault | undefined {
  const path = "ts";
  if (typeof value !== "string") {
    return { path, message: `ts must be an RFC 3339 string, it is ${kindOf(value)}` };
  }
  if (Number.isNaN(tsUs)) {
    return {
      path,
      message: "ts must be an RFC 3339 time with an offset, such as 2026-01-31T09:30:00.123Z",
    };
  }
  if (!isStoredTime(tsUs)) {
    return {
      path,
      message: `ts must be from 1970 to 2199, it is ${value.slice(0, 40)}`,
      reason: tsUs < earliestUs ? "stale" : "future",
    };
  }
  return undefined;
}

function symbolFault(value: unknown): Fault | undefined {
  const path = "symbol";
  if (typeof value !== "string") {
    return { path, message: `symbol must be a string, it is ${kindOf(value)}` };
  }
  if (value === "") return { path, message: "symbol must not be empty" };
  return labelFault(path, value, symbolMax);
}

/** Judges the fields of one row by themselves; clock and instruments are judged later. */
export function readTick(fields: RawFields, line: number, raw: () => string): ParsedTick | Refusal {
  const { ts, symbol, price, size, exchange, side } = fields;
  const tsUs = typeof ts === "string" ? parseTimestamp(ts) : NaN;
  const tradeId = Number.isSafeInteger(fields.trade_id) ? String(fields.trade_id) : fields.trade_id;
  const fault = timeFault(ts, tsUs) ?? symbolFault(symbol) ?? numberFault("price", price) ??
    numberFault("size", size) ?? labelFault("exchange", exchange, labelMax) ??
    labelFault("side", side, labelMax) ?? labelFault("trade_id", tradeId, idMax);
  if (fault) {
    const known = symbolFault(symbol) ? null : symbol as string;
    return refuse(line, fault.path, fault.message, raw(), fault.reason, true, known);
  }
  return {
    line,
    instrumentId: 0,
    tsUs,
    symbol: symbol as string,
    price: price as number,
    size: size as number,
    exchange: (exchange ?? null) as string | null,
    side: (side ?? null) as string | null,
    tradeId: (tradeId ?? null) as string | null,
  };
}

export function isRefusal(row: ParsedTick | Refusal): row is Refusal {
  return "reason" in row;
}

/** A tick as one line of NDJSON: the form in which a well-formed row waits in the quarantine. */
export function tickToJson(tick: ParsedTick): string {
  return JSON.stringify({
    ts: formatTimestamp(tick.tsUs),
    symbol: tick.symbol,
    price: tick.price,
    size: tick.size,
    exchange: tick.exchange,
    side: tick.side,
    trade_id: tick.tradeId,
  });
}
