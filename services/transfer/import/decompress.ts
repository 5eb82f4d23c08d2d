import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import { type Compressors, snappyUncompress } from "hyparquet";

/** Decompresses one LZ4 block (lz4_Block_format.md), which no runtime supports. `size` is that of the result. Throws on damage. */
export function decompressLz4(input: Uint8Array, size: number): Uint8Array {
  const output = new Uint8Array(size);
  let from = 0;
  let to = 0;
  const byte = (): number => {
    const value = input[from++];
    if (value === undefined) throw new Error("the LZ4 block is incomplete");
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
      throw new Error("an LZ4 literal exceeds the block");
    }
    output.set(input.subarray(from, from + literals), to);
    from += literals;
    to += literals;
    if (from >= input.length) break; // the last sequence is literals only
    const back = byte() + byte() * 256;
    const length = lengthOf(token & 15) + 4;
    if (back === 0 || back > to || to + length > size) {
      throw new Error("an LZ4 copy exceeds the block");
    }
    // Byte by byte, because a copy may overlap its output.
    for (const end = to + length; to < end; to++) output[to] = output[to - back] ?? 0;
  }
  return to === size ? output : output.subarray(0, to);
}

/**
 * Decompresses LZ4 in Hadoop's framing (Spark, Hive): blocks of two big-endian lengths, unpacked and packed, and the bytes.
 * Files of Arrow before 2021 use the same codec name for one bare block.
 */
export function decompressHadoopLz4(input: Uint8Array, size: number): Uint8Array {
  const view = new DataView(input.buffer, input.byteOffset, input.length);
  const blocks: { from: number; packed: number; unpacked: number }[] = [];
  let unpackedAll = 0;
  let at = 0;
  while (at + 8 <= input.length) {
    const unpacked = view.getUint32(at);
    const packed = view.getUint32(at + 4);
    blocks.push({ from: at + 8, packed, unpacked });
    unpackedAll += unpacked;
    at += 8 + packed;
  }
  if (at !== input.length || unpackedAll !== size) return decompressLz4(input, size);
  const output = new Uint8Array(size);
  let to = 0;
  for (const { from, packed, unpacked } of blocks) {
    output.set(decompressLz4(input.subarray(from, from + packed), unpacked), to);
    to += unpacked;
  }
  return output;
}

type Decompress = (input: Uint8Array, size: number) => Uint8Array;

/** Passes an empty page through: a page of nulls only may have no bytes, which no codec accepts. */
const emptyStays = (decompress: Decompress): Decompress => (input, size) =>
  input.length === 0 && size === 0 ? input : decompress(input, size);

/** Decompressors of one page, by the codec's name. */
export const compressors: Compressors = {
  SNAPPY: emptyStays((input, size) => {
    const output = new Uint8Array(size);
    snappyUncompress(input, output);
    return output;
  }),
  GZIP: emptyStays((input) => gunzipSync(input)),
  BROTLI: emptyStays((input) => brotliDecompressSync(input)),
  ZSTD: emptyStays((input) => zstdDecompressSync(input)),
  LZ4: emptyStays(decompressHadoopLz4),
  LZ4_RAW: emptyStays(decompressLz4),
};

/** Parquet codecs that can be read. */
export const readableCodecs: readonly string[] = [
  "UNCOMPRESSED",
  ...Object.keys(compressors),
];
