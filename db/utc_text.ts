const secondsForms = { 0: "SS", 3: "SS.MS", 6: "SS.US" } as const;

/**
 * Returns the SQL text of an RFC 3339 time in UTC, such as `2026-01-31T09:30:00.000Z`, with this many digits after the
 * second. `column` is SQL text of the program, never a value from outside.
 */
export function utcText(column: string, digits: keyof typeof secondsForms = 3): string {
  return `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:${secondsForms[digits]}"Z"')`;
}
