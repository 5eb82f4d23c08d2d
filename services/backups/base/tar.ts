/** Header of an entry in a tar archive. */
export interface TarEntry {
  path: string;
  kind: "file" | "directory" | "link";
  size: number;
  mode: number;
  /** Target of a symbolic link. */
  target: string;
}

/** Receives the content of an archive in its order. The reader waits for each promise. */
export interface TarVisitor {
  entry(entry: TarEntry): void | Promise<void>;
  data(bytes: Uint8Array): void | Promise<void>;
  /** Called at the end of each entry. */
  ended(): void | Promise<void>;
}

const block = 512;
const decoder = new TextDecoder();

function text(header: Uint8Array, from: number, length: number): string {
  const field = header.subarray(from, from + length);
  const end = field.indexOf(0);
  return decoder.decode(end < 0 ? field : field.subarray(0, end));
}

/** Parses octal digits, or a big-endian number after a set first bit where octal digits do not suffice. */
function number(header: Uint8Array, from: number, length: number): number {
  const first = header[from] ?? 0;
  if (first & 0x80) {
    return header.subarray(from + 1, from + length).reduce(
      (sum, byte) => sum * 256 + byte,
      first & 0x7f,
    );
  }
  const digits = text(header, from, length).trim();
  if (!/^[0-7]*$/.test(digits)) throw new Error("The archive is damaged: a header is not a number");
  return digits === "" ? 0 : parseInt(digits, 8);
}

const kinds: Record<string, TarEntry["kind"]> = {
  "0": "file",
  "\0": "file",
  "2": "link",
  "5": "directory",
};

function readHeader(header: Uint8Array): TarEntry {
  const stated = number(header, 148, 8);
  let sum = 8 * 32;
  for (let at = 0; at < block; at++) if (at < 148 || at >= 156) sum += header[at] ?? 0;
  if (sum !== stated) throw new Error("The archive is damaged: a header's checksum is wrong");
  const type = String.fromCharCode(header[156] ?? 0);
  const kind = kinds[type];
  if (!kind) throw new Error(`The archive has an entry of unknown type ${JSON.stringify(type)}`);
  const prefix = text(header, 345, 155);
  const name = text(header, 0, 100);
  return {
    path: (prefix ? `${prefix}/${name}` : name).replace(/\/$/, ""),
    kind,
    size: kind === "file" ? number(header, 124, 12) : 0,
    mode: number(header, 100, 8),
    target: text(header, 157, 100),
  };
}

/**
 * Creates a reader of ustar archives, which takes chunks of any length and buffers one header. Postgres writes nothing
 * else: it refuses names of 100 bytes and more (src/port/tar.c), so that there are no PAX or GNU extensions.
 */
export function createTarReader(visitor: TarVisitor) {
  const header = new Uint8Array(block);
  let filled = 0;
  let left = 0;
  let padding = 0;
  let inFile = false;
  let over = false;
  return {
    /** Throws when the bytes are not a tar archive. */
    async feed(bytes: Uint8Array): Promise<void> {
      let at = 0;
      while (at < bytes.length && !over) {
        if (left > 0) {
          const piece = bytes.subarray(at, at + left);
          await visitor.data(piece);
          left -= piece.length;
          at += piece.length;
        } else if (padding > 0) {
          const skipped = Math.min(padding, bytes.length - at);
          padding -= skipped;
          at += skipped;
        } else {
          const piece = bytes.subarray(at, at + block - filled);
          header.set(piece, filled);
          filled += piece.length;
          at += piece.length;
          if (filled < block) continue;
          filled = 0;
          if (header.every((byte) => byte === 0)) {
            over = true;
            continue;
          }
          const entry = readHeader(header);
          left = entry.size;
          padding = (block - entry.size % block) % block;
          inFile = true;
          await visitor.entry(entry);
        }
        if (inFile && left === 0) {
          inFile = false;
          await visitor.ended();
        }
      }
    },
    /** Throws when the end of the archive has not come. */
    end(): void {
      if (!over) throw new Error("The archive is cut short: its end is missing");
    },
  };
}
