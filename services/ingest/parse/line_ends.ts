import { HoldfastError } from "../../../errors.ts";

type Chunk = Uint8Array<ArrayBuffer>;

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
/** Longest first line that is searched for a line end; bytes. */
const headMax = 64 * 1024;

/** First bytes of files that are not text, and the remedy. */
const signatures: [readonly number[], string][] = [
  [[0xff, 0xfe], "UTF-16; save it as UTF-8"],
  [[0xfe, 0xff], "UTF-16; save it as UTF-8"],
  [[0x1f, 0x8b], "gzip; send it with Content-Encoding: gzip, or name the file .gz"],
  [[0x50, 0x4b, 0x03, 0x04], "a zip archive; unpack it first"],
  [[0x28, 0xb5, 0x2f, 0xfd], "zstd; unpack it first"],
  [
    [0x50, 0x41, 0x52, 0x31],
    "Parquet; import it by deno task import, with a name that ends in .parquet",
  ],
];

function refuseBinary(head: Uint8Array): void {
  const found = signatures.find(([bytes]) => bytes.every((byte, at) => head[at] === byte));
  // UTF-16 without a byte order mark: every other byte of plain text is zero.
  const halves = head.length >= 4 && (head[0] === 0) !== (head[1] === 0) &&
    (head[0] === 0) === (head[2] === 0) && (head[1] === 0) === (head[3] === 0);
  const what = found?.[1] ?? (halves ? "UTF-16; save it as UTF-8" : undefined);
  if (what === undefined) return;
  throw new HoldfastError("malformed_body", `The body is not UTF-8 text: it is ${what}`, {
    problems: [{ line: 1, path: "body", message: `it is ${what}` }],
  });
}

function join(a: Chunk, b: Chunk): Chunk {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}

/**
 * Converts lines that end in a carriage return alone (old Macintosh and some spreadsheets) to line feeds, and refuses other
 * encodings by their first bytes. Other text passes unchanged: only its first line is checked.
 */
export async function* withLineFeeds(chunks: AsyncIterable<Chunk>): AsyncGenerator<Chunk> {
  let head: Chunk | undefined = new Uint8Array(0);
  let onlyReturns = false;
  const translate = (chunk: Chunk): Chunk => {
    if (!onlyReturns) return chunk;
    return chunk.map((byte) => byte === carriageReturn ? lineFeed : byte);
  };
  for await (const chunk of chunks) {
    if (!head) {
      yield translate(chunk);
      continue;
    }
    head = head.length === 0 ? chunk : join(head, chunk);
    const ended = head.includes(lineFeed);
    const returned = head.indexOf(carriageReturn);
    // A carriage return at the end of the chunk may be half of a line end.
    if (!ended && head.length <= headMax && (returned < 0 || returned === head.length - 1)) {
      continue;
    }
    refuseBinary(head);
    onlyReturns = !ended && returned >= 0;
    const whole = head;
    head = undefined;
    yield translate(whole);
  }
  if (!head || head.length === 0) return;
  refuseBinary(head);
  onlyReturns = !head.includes(lineFeed) && head.includes(carriageReturn);
  yield translate(head);
}
