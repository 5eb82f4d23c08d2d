import { createHash } from "node:crypto";

/** NAMEDATALEN - 1. Postgres truncates longer names without an error, and truncated names can collide. */
const nameBytesMax = 63;
const encoder = new TextEncoder();

function cutToBytes(text: string, bytes: number): string {
  let cut = "";
  let used = 0;
  for (const character of text) {
    used += encoder.encode(character).length;
    if (used > bytes) break;
    cut += character;
  }
  return cut;
}

/** Returns a name with a suffix. A name that would be too long is cut and marked with a digest of the original. */
export function suffixedName(table: string, suffix: string): string {
  const bytesMax = nameBytesMax - suffix.length;
  if (encoder.encode(table).length <= bytesMax) return table + suffix;
  const mark = `_${createHash("sha256").update(table).digest("hex").slice(0, 6)}`;
  return cutToBytes(table, bytesMax - mark.length) + mark + suffix;
}
