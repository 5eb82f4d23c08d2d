/** Quotes one identifier: the only way a name enters SQL text. */
export function quoteIdent(name: string): string {
  if (name.includes("\0")) throw new RangeError("Cannot quote an identifier with a NUL");
  return `"${name.replaceAll('"', '""')}"`;
}

/** Quotes `schema.table`. */
export function quoteTable(schema: string, table: string): string {
  return `${quoteIdent(schema)}.${quoteIdent(table)}`;
}

/** Quotes a literal for the statements that take no parameters (DDL bounds). */
export function quoteLiteral(value: string): string {
  if (value.includes("\0")) throw new RangeError("Cannot quote a literal with a NUL");
  const quoted = `'${value.replaceAll("'", "''")}'`;
  return value.includes("\\") ? ` E${quoted.replaceAll("\\", "\\\\")}` : quoted;
}

/** Quotes the body of a function or DO block by dollars, with a tag that does not occur in it. */
export function dollarQuote(body: string): string {
  let tag = "$holdfast";
  for (let n = 1; body.includes(tag); n++) tag = `$holdfast${n}`;
  return `${tag}$${body}${tag}$`;
}

/** Returns a DO block of this PL/pgSQL text. */
export function doBlock(body: string): string {
  return `do ${dollarQuote(` ${body} `)}`;
}
