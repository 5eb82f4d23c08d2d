/** Name of a WAL segment (access/xlog_internal.h): timeline and number in hex. */
export const segmentName = /^[0-9A-F]{24}$/;
export const historyName = /^[0-9A-F]{8}\.history$/;

/** Parses a WAL position such as 0/3000028. Throws a RangeError for other text. */
export function parseLsn(text: string): bigint {
  const [, high, low] = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i.exec(text) ?? [];
  if (!high || !low) throw new RangeError(`Cannot read ${JSON.stringify(text)} as a WAL position`);
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}

/** Returns the name of the segment that holds a position. */
export function segmentOf(timeline: number, lsn: bigint, segmentBytes: number): string {
  const number = lsn / BigInt(segmentBytes);
  return nameOf(timeline, number, segmentBytes);
}

function nameOf(timeline: number, number: bigint, segmentBytes: number): string {
  const perId = 0x1_0000_0000n / BigInt(segmentBytes);
  const hex = (value: bigint | number) => value.toString(16).toUpperCase().padStart(8, "0");
  return hex(timeline) + hex(number / perId) + hex(number % perId);
}

/** Parses the name of a segment. */
export function partsOf(name: string, segmentBytes: number): { timeline: number; number: bigint } {
  const perId = 0x1_0000_0000n / BigInt(segmentBytes);
  const part = (at: number) => BigInt(`0x${name.slice(at, at + 8)}`);
  return { timeline: Number(part(0)), number: part(8) * perId + part(16) };
}

/**
 * Returns the segments of `first`'s timeline that are missing between it and the last of `names`, or `last`, whichever is
 * later; at most 100.
 */
export function missingSegments(
  names: readonly string[],
  { first, last: end, segmentBytes }: {
    first: string;
    last?: string | undefined;
    segmentBytes: number;
  },
): string[] {
  const { timeline, number: from } = partsOf(first, segmentBytes);
  const there = new Set<bigint>();
  for (const name of names) {
    const parts = partsOf(name, segmentBytes);
    if (parts.timeline === timeline && parts.number >= from) there.add(parts.number);
  }
  let last = end === undefined ? from - 1n : partsOf(end, segmentBytes).number;
  for (const number of there) if (number > last) last = number;
  const missing: string[] = [];
  for (let number = from; number <= last && missing.length < 100; number++) {
    if (!there.has(number)) missing.push(nameOf(timeline, number, segmentBytes));
  }
  return missing;
}
