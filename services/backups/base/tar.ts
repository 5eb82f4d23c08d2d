/** One entry of a tar archive as its header tells. */
export interface TarEntry {
  path: string;
  kind: "file" | "directory" | "link";
  size: number;
  mode: number;
  /** Where a symbolic link points to. */
  target: string;
}

/** Told what is in an archive, in its order. Each may wait, and the reading with it. */
export interface TarVisitor {
  entry(entry: TarEntry): void | Promise<void>;
  data(bytes: Uint8Array): void | Promise<void>;
  /** All of a file has been seen. */
  ended(): void | Promise<void>;
}

const block = 512;
const decoder = new TextDecoder();

function text(header: Uint8Array, from: number, length: number): string {
  const field = header.subarray(from, from + length);
  const end = field.indexOf(0);
  return decoder.decode(end < 0 ? field : field.subarray(0, end));
}

/** Octal digits, or big-endian bytes after a set first bit for what octal cannot hold. */
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

function readHeader(header: Uint8Array): TarEntry {
  const stated = number(header, 148, 8);
  let sum = 8 * 32;
  for (let at = 0; at < block; at++) if (at < 148 || at >= 156) sum += header[at] ?? 0;
  if (sum !== stated) throw new Error("The archive is damaged: a header's checksum is wrong");
  const type = String.fromCharCode(header[156] ?? 0);
  const prefix = text(header, 345, 155);
  const name = text(header, 0, 100);
  return {
    path: (prefix ? `${prefix}/${name}` : name).replace(/\/$/, ""),
    kind: type === "5" ? "directory" : type === "2" ? "link" : "file",
    size: type === "5" || type === "2" ? 0 : number(header, 124, 12),
    mode: number(header, 100, 8),
    target: text(header, 157, 100),
  };
}

/** Reads a tar archive as it comes, in pieces of any length; holds no more than a header. */
export function createTarReader(visitor: TarVisitor) {
  const header = new Uint8Array(block);
  let filled = 0;
  let left = 0;
  let padding = 0;
  let inFile = false;
  let over = false;
  return {
    /** Throws when the bytes are no archive. */
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
    /** Throws when the archive was cut short. */
    end(): void {
      if (!over) throw new Error("The archive is cut short");
    },
  };
}
