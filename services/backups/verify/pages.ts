import { open, readdir } from "node:fs/promises";
import { join } from "node:path";

const pageBytes = 8192;
const segmentPages = 131_072;
const sums = 32;
const prime = 16777619;
/** Seeds of the 32 parallel sums (storage/checksum_impl.h). */
const seeds = new Uint32Array([
  0x5B1F36E9,
  0xB8525960,
  0x02AB50AA,
  0x1DE66D2A,
  0x79FF467A,
  0x9BB9F8A3,
  0x217E7CD2,
  0x83E13D2C,
  0xF8D4474F,
  0xE39EB970,
  0x42C6AE16,
  0x993216FA,
  0x7B093B5D,
  0x98DAFF3C,
  0xF718902A,
  0x0B1C9CDB,
  0xE58F764B,
  0x187636BC,
  0x5D7B3BB1,
  0xE73DE7DE,
  0x92BEC979,
  0xCCA6C0B2,
  0x304A0979,
  0x85AA43D4,
  0x783125BB,
  0x6CA8EAA2,
  0xE407EAC6,
  0x4B5CFC3E,
  0x9FBF8C76,
  0x15CA20BE,
  0xF2CA9FD3,
  0x959BD756,
]);

/** Returns the checksum of a page as Postgres computes it: FNV-1a in 32 lanes, with the checksum field counted as 0. */
export function pageChecksum(page: Uint8Array, block: number): number {
  const words = new Uint32Array(page.buffer, page.byteOffset, pageBytes / 4);
  const lanes = new Uint32Array(seeds);
  // Of the word at byte 8, the lower half is the checksum (little-endian).
  for (let at = 0; at < words.length; at++) {
    const word = at === 2 ? (words[at] ?? 0) & 0xffff0000 : words[at] ?? 0;
    const mixed = ((lanes[at % sums] ?? 0) ^ word) >>> 0;
    lanes[at % sums] = Math.imul(mixed, prime) ^ (mixed >>> 17);
  }
  let folded = 0;
  for (let lane = 0; lane < sums; lane++) {
    let sum = lanes[lane] ?? 0;
    for (let round = 0; round < 2; round++) sum = (Math.imul(sum, prime) ^ (sum >>> 17)) >>> 0;
    folded ^= sum;
  }
  return ((folded ^ block) >>> 0) % 65535 + 1;
}

const relationFile = /^\d+(_(fsm|vm|init))?(\.(\d+))?$/;

async function checkFile(path: string, shown: string, first: number, signal?: AbortSignal) {
  const problems: string[] = [];
  const file = await open(path, "r");
  const buffer = new Uint8Array(pageBytes * 64);
  try {
    for (let block = first;;) {
      signal?.throwIfAborted();
      const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) break;
      if (bytesRead % pageBytes !== 0) problems.push(`${shown} ends within a page`);
      for (let at = 0; at + pageBytes <= bytesRead; at += pageBytes, block++) {
        const page = buffer.slice(at, at + pageBytes);
        // An unwritten page is all zeros; pd_upper (bytes 14 and 15) is 0 only there.
        if (page[14] === 0 && page[15] === 0 && page.every((byte) => byte === 0)) continue;
        const stored = (page[8] ?? 0) | (page[9] ?? 0) << 8;
        if (stored !== pageChecksum(page, block)) {
          problems.push(`${shown} is damaged: page ${block} fails its checksum`);
        }
      }
    }
  } finally {
    await file.close();
  }
  return problems;
}

/** Checks every page of a stopped cluster with data checksums. Returns the damaged ones by file and page, at most 20. */
export async function checkPages(
  data: string,
  signal?: AbortSignal,
): Promise<{ problems: string[]; files: number }> {
  const problems: string[] = [];
  let files = 0;
  const databases = await readdir(join(data, "base"));
  for (const folder of ["global", ...databases.map((name) => `base/${name}`)]) {
    for (const name of await readdir(join(data, folder))) {
      const match = relationFile.exec(name);
      if (!match) continue;
      files++;
      const first = Number(match[4] ?? 0) * segmentPages;
      const found = await checkFile(join(data, folder, name), `${folder}/${name}`, first, signal);
      problems.push(...found.slice(0, 20 - problems.length));
      if (problems.length >= 20) return { problems, files };
    }
  }
  return { problems, files };
}
