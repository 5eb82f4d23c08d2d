import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import type { Compressors } from "hyparquet";

/** One LZ4 block (lz4_Block_format.md), which no runtime brings: literals, then copies of what came before. */
export function decompressLz4(input: Uint8Array, size: number): Uint8Array {
  const output = new Uint8Array(size);
  let from = 0;
  let to = 0;
  const byte = (): number => {
    const value = input[from++];
    if (value === undefined) throw new Error("the LZ4 block ends too early");
    return value;
  };
  const lengthOf = (nibble: number): number => {
    let length = nibble;
    if (nibble < 15) return length;
    for (let more = 255; more === 255;) length += more = byte();
    return length;
  };
  while (from < input.length) {
    const token = byte();
    const literals = lengthOf(token >> 4);
    if (from + literals > input.length || to + literals > size) {
      throw new Error("an LZ4 literal reaches too far");
    }
    output.set(input.subarray(from, from + literals), to);
    from += literals;
    to += literals;
    if (from >= input.length) break; // the last sequence is literals only
    const back = byte() + byte() * 256;
    const length = lengthOf(token & 15) + 4;
    if (back === 0 || back > to || to + length > size) {
      throw new Error("an LZ4 copy reaches too far");
    }
    // One by one: a copy may overlap what it writes.
    for (const end = to + length; to < end; to++) output[to] = output[to - back] ?? 0;
  }
  return to === size ? output : output.subarray(0, to);
}

/** Beside snappy, which the reader knows itself; a page at a time. */
export const compressors: Compressors = {
  GZIP: (input) => gunzipSync(input),
  BROTLI: (input) => brotliDecompressSync(input),
  ZSTD: (input) => zstdDecompressSync(input),
  LZ4_RAW: decompressLz4,
};

/** Compressions of Parquet that can be read. */
export const readableCodecs: readonly string[] = [
  "UNCOMPRESSED",
  "SNAPPY",
  ...Object.keys(compressors),
];
