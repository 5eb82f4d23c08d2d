import type { KeyCodec } from "./key.ts";
import { highest, lowest, type Span } from "./span.ts";

/** The bound of a leaf. */
export type Bound =
  | { kind: "range"; span: Span }
  | { kind: "default" }
  /** List, hash, or values that this kind of key does not have. */
  | { kind: "foreign" }
  /** It could not be read: another session holds the leaf exclusively. */
  | { kind: "unknown" };

const value = String.raw`(?:E?'(?:[^']|'')*'|[^',()]+)`;
const pattern = new RegExp(
  String.raw`^FOR VALUES FROM \((${value}(?:, ${value})*)\) TO \((${value}(?:, ${value})*)\)$`,
);

function splitValues(list: string): string[] {
  return [...list.matchAll(new RegExp(value, "g"))].map(([text]) => text.trim());
}

/**
 * Parses one end of a range. Of several columns only the first counts, so the others must be MINVALUE: then the end is
 * exactly before all rows of that first value. With MAXVALUE it is after all of them.
 */
function parseEnd(list: string, codec: KeyCodec): bigint | undefined {
  const [first = "", ...others] = splitValues(list);
  if (first === "MINVALUE") return lowest;
  if (first === "MAXVALUE") return highest;
  const position = codec.parse(first.replace(/^'|'$/g, ""));
  if (position === undefined || others.every((other) => other === "MINVALUE")) return position;
  return others.every((other) => other === "MAXVALUE") ? position + 1n : undefined;
}

/** Reads a bound as pg_get_expr writes it in a session with ISO dates and time zone UTC; null: it was not readable. */
export function parseBound(text: string | null, codec: KeyCodec): Bound {
  if (text === null) return { kind: "unknown" };
  if (text === "DEFAULT") return { kind: "default" };
  const match = pattern.exec(text);
  const from = match?.[1] === undefined ? undefined : parseEnd(match[1], codec);
  const to = match?.[2] === undefined ? undefined : parseEnd(match[2], codec);
  if (from === undefined || to === undefined || from >= to) return { kind: "foreign" };
  return { kind: "range", span: { from, to } };
}

/** Formats one end of a range for a new leaf's bound, for a key of `columns` columns; `quote` makes literals. */
export function formatEnd(
  position: bigint,
  codec: KeyCodec,
  columns: number,
  quote: (text: string) => string,
): string {
  const first = position === lowest
    ? "minvalue"
    : position === highest
    ? "maxvalue"
    : quote(codec.format(position));
  const rest = position === highest ? "maxvalue" : "minvalue";
  return [first, ...Array.from({ length: columns - 1 }, () => rest)].join(", ");
}
