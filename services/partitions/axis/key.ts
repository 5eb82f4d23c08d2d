import { dayUs, formatDate, formatTime, parseTime } from "./civil.ts";
import { highest, lowest } from "./span.ts";

export const keyKinds = [
  "timestamptz",
  "timestamp",
  "date",
  "epoch_s",
  "epoch_ms",
  "epoch_us",
  "epoch_ns",
  "uuidv7",
  "id",
] as const;
export type KeyKind = typeof keyKinds[number];

/** Converts the values of a partition key to positions and back. Positions are integers in the key's own unit. */
export interface KeyCodec {
  kind: KeyKind;
  /** What positions of this key are: instants, readings of a wall clock, or plain numbers. */
  axis: "instant" | "wall" | "number";
  /** The column types that it accepts. */
  types: readonly string[];
  /** Bounds are multiples of so many microseconds; 0 for keys without time. */
  stepUs: bigint;
  /** Parses a value as Postgres writes it, without quotes; undefined when it is invalid. */
  parse(text: string): bigint | undefined;
  format(position: bigint): string;
  /** Returns the microseconds (of the instant or of the wall clock) at a position, rounded down. */
  toUs(position: bigint): bigint;
  /** Returns the first position not before these microseconds. */
  fromUs(us: bigint): bigint;
}

const integers = ["bigint", "integer", "smallint", "numeric"];

function parseWhole(text: string): bigint | undefined {
  const match = /^(-?\d{1,40})(?:\.0*)?$/.exec(text);
  return match?.[1] === undefined ? undefined : BigInt(match[1]);
}

const ceilDiv = (a: bigint, b: bigint) => a % b > 0n ? a / b + 1n : a / b;
const floorDiv = (a: bigint, b: bigint) => a % b < 0n ? a / b - 1n : a / b;

/** Makes the codec of an integer that counts `perSecond` units since 1970. */
function epoch(kind: KeyKind, perSecond: bigint): KeyCodec {
  const [up, down] = perSecond > 1_000_000n
    ? [perSecond / 1_000_000n, 1n]
    : [1n, 1_000_000n / perSecond];
  return {
    kind,
    axis: "instant",
    types: integers,
    stepUs: down,
    parse: parseWhole,
    format: String,
    toUs: (position) => floorDiv(position * down, up),
    fromUs: (us) => ceilDiv(us * up, down),
  };
}

function parseUuid(text: string): bigint | undefined {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)
    ? BigInt(`0x${text.replaceAll("-", "")}`)
    : undefined;
}

function formatUuid(position: bigint): string {
  const hex = position.toString(16).padStart(32, "0");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

const endless: Record<string, bigint> = { "-infinity": lowest, infinity: highest };
const parseEndless = (text: string) => endless[text] ?? parseTime(text);

/** The codec of each kind of key. */
export const codecs: Record<KeyKind, KeyCodec> = {
  timestamptz: {
    kind: "timestamptz",
    axis: "instant",
    types: ["timestamp with time zone"],
    stepUs: 1n,
    parse: parseEndless,
    format: (us) => formatTime(us, "+00"),
    toUs: (us) => us,
    fromUs: (us) => us,
  },
  timestamp: {
    kind: "timestamp",
    axis: "wall",
    types: ["timestamp without time zone"],
    stepUs: 1n,
    parse: parseEndless,
    format: (us) => formatTime(us),
    toUs: (us) => us,
    fromUs: (us) => us,
  },
  date: {
    kind: "date",
    axis: "wall",
    types: ["date"],
    stepUs: dayUs,
    parse(text) {
      const us = parseEndless(text);
      return us === undefined || us === lowest || us === highest ? us : us / dayUs;
    },
    format: (days) => formatDate(Number(days)),
    toUs: (days) => days * dayUs,
    fromUs: (us) => ceilDiv(us, dayUs),
  },
  epoch_s: epoch("epoch_s", 1n),
  epoch_ms: epoch("epoch_ms", 1_000n),
  epoch_us: epoch("epoch_us", 1_000_000n),
  epoch_ns: epoch("epoch_ns", 1_000_000_000n),
  // The first 48 bits are milliseconds since 1970 (RFC 9562); with zeros below, it sorts before every uuid of that
  // millisecond.
  uuidv7: {
    kind: "uuidv7",
    axis: "instant",
    types: ["uuid"],
    stepUs: 1_000n,
    parse: parseUuid,
    format: formatUuid,
    toUs: (position) => (position >> 80n) * 1_000n,
    fromUs: (us) => ceilDiv(us, 1_000n) << 80n,
  },
  id: {
    kind: "id",
    axis: "number",
    types: integers,
    stepUs: 0n,
    parse: parseWhole,
    format: String,
    toUs: (position) => position,
    fromUs: (us) => us,
  },
};

/** Returns the values of a column's type; bounds beyond cannot be written. Infinite where the type has no practical end. */
export function limitsOf(type: string): { least: bigint; most: bigint } {
  const bits = { smallint: 15n, integer: 31n, bigint: 63n }[type];
  if (bits !== undefined) return { least: -(1n << bits), most: (1n << bits) - 1n };
  if (type === "uuid") return { least: 0n, most: (1n << 128n) - 1n };
  return { least: lowest, most: highest };
}
