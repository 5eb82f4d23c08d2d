import { HoldfastError } from "../../../../errors.ts";
import { createPacer } from "../../../../lib/pacer.ts";

/** Bytes of one line: more than any tick needs, and a bound on memory. */
const lineMax = 64 * 1024;
/** Bytes parsed before the event loop runs again, chosen for the slowest parser. */
const pieceBytes = 8 * 1024;
const lineEnd = 0x0a;
const byteOrderMark = [0xef, 0xbb, 0xbf];

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}

/** Cuts complete lines into pieces of about `pieceBytes`, each of complete lines. */
function* pieces(lines: Uint8Array): Generator<Uint8Array> {
  let from = 0;
  while (lines.length - from > pieceBytes) {
    const end = lines.indexOf(lineEnd, from + pieceBytes) + 1;
    if (end === 0) break;
    yield lines.subarray(from, end);
    from = end;
  }
  if (from < lines.length) yield lines.subarray(from);
}

/** Cuts chunks at line ends; `end` returns what follows the last one. */
function createCutter() {
  let rest = new Uint8Array(0) as Uint8Array;
  return {
    *cut(chunk: Uint8Array): Generator<Uint8Array> {
      const last = chunk.lastIndexOf(lineEnd);
      if (last < 0) {
        rest = join(rest, chunk);
        if (rest.length <= lineMax) return;
        yield rest;
        rest = rest.subarray(rest.length);
        return;
      }
      let from = 0;
      if (rest.length > 0) {
        from = chunk.indexOf(lineEnd) + 1;
        yield join(rest, chunk.subarray(0, from));
      }
      if (from <= last) yield* pieces(chunk.subarray(from, last + 1));
      rest = chunk.slice(last + 1);
    },
    end: () => rest,
  };
}

/**
 * Cuts chunks into blocks of complete lines, the last perhaps without a line end, and lets the event loop run between them. A
 * line over the limit is passed on incomplete, and `lineAt` refuses it.
 */
export async function* readBlocks(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const pacer = createPacer();
  const cutter = createCutter();
  let first = true;
  const unmarked = (block: Uint8Array) => {
    const marked = first && byteOrderMark.every((byte, at) => block[at] === byte);
    first = false;
    return marked ? block.subarray(byteOrderMark.length) : block;
  };
  for await (const chunk of chunks) {
    for (const block of cutter.cut(chunk)) {
      yield unmarked(block);
      await pacer.pause();
    }
  }
  const rest = cutter.end();
  if (rest.length > 0) yield unmarked(rest);
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Returns the line that begins at `at`, decoded strictly, and where the next one begins. Throws a HoldfastError. */
export function lineAt(
  block: Uint8Array,
  at: number,
  line: number,
): { text: string; next: number } {
  const found = block.indexOf(lineEnd, at);
  const end = found < 0 ? block.length : found;
  if (end - at > lineMax) {
    throw new HoldfastError("malformed_body", `Line ${line} is longer than ${lineMax} bytes`, {
      problems: [{ line, path: "line", message: `longer than ${lineMax} bytes` }],
    });
  }
  try {
    return { text: decoder.decode(block.subarray(at, end)), next: end + 1 };
  } catch (cause) {
    throw new HoldfastError("malformed_body", "The body is not UTF-8 text", {
      problems: [{ line, path: "body", message: `line ${line} is not UTF-8` }],
      cause,
    });
  }
}
