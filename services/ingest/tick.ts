import { earliestUs, formatTimestamp, isStoredTime, parseTickTime } from "./timestamp.ts";

/** A tick as a client sent it, with its line (from 1). */
export interface ParsedTick {
  line: number;
  /** 0 until the firewall sets it. */
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

/** A row that is not stored as a tick, and why. */
export interface Refusal {
  line: number;
  reason: RefusalReason;
  path: string;
  message: string;
  raw: string;
  /** The feed of the row, when it could be read. */
  symbol: string | null;
  /** The row itself is wrong, whatever the clock and the instruments. */
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
/** Beyond any market; with this bound, sums of sizes and of price times size stay finite. */
const numberMax = 1e30;
/** Smallest number other than zero: products and squares of smaller ones underflow a double. */
const numberMin = 1e-30;

/** Says whether sums, products and squares of a price or size stay finite and above zero. */
export const isWithinBounds = (value: number) =>
  value <= numberMax && (value >= numberMin || value === 0);

/** Says whether the database can store text: no control characters, no half of a surrogate pair. */
function isClean(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0x20 || (unit >= 0x7f && unit < 0xa0)) return false;
  }
  return text.isWellFormed();
}

/** Replaces what a database cannot store or a terminal would obey: a message may quote names and values of the body. */
const printable = (text: string) => text.toWellFormed().replaceAll(/\p{Cc}/gu, "\ufffd");

/** Returns the refusal of a row; `raw` is cut to 2,000 characters. */
export function refuse(
  line: number,
  path: string,
  message: string,
  raw: string,
  reason: RefusalReason = "unparsable",
  malformed = true,
  symbol: string | null = null,
): Refusal {
  return {
    line,
    reason,
    path,
    message: printable(message),
    raw: raw.slice(0, rawMax),
    symbol,
    malformed,
  };
}

/** The fields of one row as JSON or CSV gave them, not yet validated. */
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

/** Why a value is not a time. */
export interface TimeFault {
  message: string;
}

function timeFault(value: unknown, time: number | TimeFault): Fault | undefined {
  const path = "ts";
  if (typeof time !== "number") return { path, message: time.message };
  if (!isStoredTime(time)) {
    return {
      path,
      message: `ts must be from 1970 to 2199, it is ${String(value).slice(0, 40)}`,
      reason: time < earliestUs ? "stale" : "future",
    };
  }
  return undefined;
}

/** Returns a hint when a number may be a time since 1970 in some unit. */
function unitHint(value: unknown): string {
  const number = Number(value);
  const units = { s: 1e9, ms: 1e12, us: 1e15, ns: 1e18 };
  for (const [unit, one] of Object.entries(units)) {
    if (!(number >= 0.6 * one && number < 10 * one)) continue;
    return `; a number of ${unit} since 1970, as this may be, is taken with time_unit=${unit} (import: --time-unit ${unit})`;
  }
  return "";
}

const withoutOffset = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?$/;

/** Reads the times that need no mapping option: RFC 3339 with an offset, as text. */
function readOwnTime(value: unknown): number | TimeFault {
  if (typeof value !== "string") {
    return {
      message: `ts must be an RFC 3339 string, it is ${kindOf(value)}${unitHint(value ?? NaN)}`,
    };
  }
  const us = parseTickTime(value);
  if (!Number.isNaN(us)) return us;
  const hint = withoutOffset.test(value)
    ? "; set the zone of times without an offset with time_zone (import: --time-zone)"
    : unitHint(value || NaN);
  return {
    message: `ts must be an RFC 3339 time with an offset, such as 2026-01-31T09:30:00.123Z${hint}`,
  };
}

function symbolFault(value: unknown): Fault | undefined {
  const path = "symbol";
  if (typeof value !== "string") {
    return { path, message: `symbol must be a string, it is ${kindOf(value)}` };
  }
  if (value === "") return { path, message: "symbol must not be empty" };
  return labelFault(path, value, symbolMax);
}

/** Validates the fields of one row. The firewall judges clock and instruments later. */
export function readTick(
  fields: RawFields,
  line: number,
  raw: () => string,
  readTime: (value: unknown) => number | TimeFault = readOwnTime,
): ParsedTick | Refusal {
  const { ts, symbol, price, size, exchange, side } = fields;
  const time = readTime(ts);
  const tradeId = Number.isSafeInteger(fields.trade_id) ? String(fields.trade_id) : fields.trade_id;
  const fault = timeFault(ts, time) ?? symbolFault(symbol) ?? numberFault("price", price) ??
    numberFault("size", size) ?? labelFault("exchange", exchange, labelMax) ??
    labelFault("side", side, labelMax) ?? labelFault("trade_id", tradeId, idMax);
  if (fault) {
    const known = symbolFault(symbol) ? null : symbol as string;
    return refuse(line, fault.path, fault.message, raw(), fault.reason, true, known);
  }
  return {
    line,
    instrumentId: 0,
    tsUs: time as number,
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

/** Returns a tick as one line of NDJSON, the format of well-formed rows in the quarantine. */
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
