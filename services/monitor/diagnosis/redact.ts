const cutAt = 500;

/** A statement's text for other eyes: literals and numbers taken out, comments too, at most 500 characters. Pure. */
export function redactSql(text: string): string {
  const plain = text
    .replaceAll(/\/\*[\s\S]*?(\*\/|$)|--[^\n]*/g, " ")
    // A literal that was cut off has no end.
    .replaceAll(/\$(\w*)\$[\s\S]*?(\$\1\$|$)/g, "?")
    .replaceAll(/\b[eE]'(?:[^'\\]|\\[\s\S]|'')*('|$)/g, "?")
    .replaceAll(/(?:\b(?:[uU]&|[bBxXnN]))?'(?:[^']|'')*('|$)/g, "?")
    .replaceAll(/(?<![\w$."])[-+]?\d+(\.\d+)?([eE][-+]?\d+)?\b/g, "?")
    .replaceAll(/\s+/g, " ")
    .trim();
  return plain.length > cutAt ? `${plain.slice(0, cutAt - 1)}…` : plain;
}

/** The same of every `query` in a report, however deep. Pure. */
export function redactQueries(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redactQueries);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [
      name,
      name === "query" && typeof one === "string" ? redactSql(one) : redactQueries(one),
    ]),
  );
}
