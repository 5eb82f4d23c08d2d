const slots = 8_192;
const longest = 32;

/**
 * Converts ASCII bytes to strings and caches them: a feed repeats its few symbols and exchanges millions of times, and a
 * cached string costs no allocation. One slot per hash; a new string replaces the old one.
 */
export function createLabels() {
  const kept: (Uint8Array | undefined)[] = new Array(slots).fill(undefined);
  const texts: string[] = new Array(slots).fill("");

  function decode(bytes: Uint8Array, from: number, to: number): string {
    let text = "";
    for (let at = from; at < to; at++) text += String.fromCharCode(bytes[at]!);
    return text;
  }

  return {
    /** Returns the string of the ASCII bytes from `from` up to `to`; `hash` is their hash. */
    take(bytes: Uint8Array, from: number, to: number, hash: number): string {
      const length = to - from;
      if (length > longest) return decode(bytes, from, to);
      const slot = hash & (slots - 1);
      const held = kept[slot];
      if (held !== undefined && held.length === length) {
        let at = 0;
        while (at < length && held[at] === bytes[from + at]) at++;
        if (at === length) return texts[slot]!;
      }
      kept[slot] = bytes.slice(from, to);
      return texts[slot] = decode(bytes, from, to);
    },
  };
}
