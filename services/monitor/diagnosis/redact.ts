const cutAt = 500;

/** Returns a statement's text without literals, numbers and comments, of at most 500 characters. Pure. */
export function redactSql(text: string): string {
  const plain = text
    .replaceAll(/\/\*[\s\S]*?(\*\/|$)|--[^\n]*/g, " ")
    // The text may have been cut off within a literal.
    .replaceAll(/\$(\w*)\$[\s\S]*?(\$\1\$|$)/g, "?")
    .replaceAll(/\b[eE]'(?:[^'\\]|\\[\s\S]|'')*('|$)/g, "?")
    .replaceAll(/(?:\b(?:[uU]&|[bBxXnN]))?'(?:[^']|'')*('|$)/g, "?")
    .replaceAll(/(?<![\w$."])[-+]?\d+(\.\d+)?([eE][-+]?\d+)?\b/g, "?")
    .replaceAll(/\s+/g, " ")
    .trim();
  return plain.length > cutAt ? `${plain.slice(0, cutAt - 1)}…` : plain;
}

/** Returns a report with every `query` in it redacted, at any depth. Pure. */
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
