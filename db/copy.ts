import type { Writable } from "node:stream";
import type { Sql } from "./connection.ts";

/** Signature, flags and header extension length of the binary format (manual, "COPY", File Formats). */
const header = new Uint8Array([
  0x50,
  0x47,
  0x43,
  0x4f,
  0x50,
  0x59,
  0x0a,
  0xff,
  0x0d,
  0x0a,
  0x00,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
]);
const microsecondsTo2000 = 946_684_800_000_000;
const two32 = 2 ** 32;

/** Writes rows of the binary COPY format into one growing buffer that is used again and again. */
export class CopyEncoder {
  #bytes: Uint8Array;
  #view: DataView;
  #at = 0;
  readonly #text = new TextEncoder();

  constructor(initialBytes = 64 * 1024) {
    this.#bytes = new Uint8Array(initialBytes);
    this.#view = new DataView(this.#bytes.buffer);
    this.reset();
  }

  /** Starts a new COPY in the same memory. */
  reset(): void {
    this.#bytes.set(header, 0);
    this.#at = header.length;
  }

  #reserve(extra: number): void {
    if (this.#at + extra <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + extra));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }

  /** Begins a row of `columns` fields; reserves room for its fixed-size ones. */
  row(columns: number): void {
    this.#reserve(2 + columns * 12);
    this.#view.setInt16(this.#at, columns);
    this.#at += 2;
  }

  int4(value: number): void {
    this.#view.setInt32(this.#at, 4);
    this.#view.setInt32(this.#at + 4, value);
    this.#at += 8;
  }

  /** A bigint as its high and low 32 bits: BigInt arithmetic per row costs more than the rest of the row. */
  int8(high: number, low: number): void {
    this.#view.setInt32(this.#at, 8);
    this.#view.setInt32(this.#at + 4, high);
    this.#view.setUint32(this.#at + 8, low);
    this.#at += 12;
  }

  float8(value: number): void {
    this.#view.setInt32(this.#at, 8);
    this.#view.setFloat64(this.#at + 4, value);
    this.#at += 12;
  }

  /** A timestamptz from microseconds since 1970. */
  timestamp(epochMicroseconds: number): void {
    const since2000 = epochMicroseconds - microsecondsTo2000;
    const high = Math.floor(since2000 / two32);
    this.int8(high, since2000 - high * two32);
  }

  text(value: string | null): void {
    if (value === null) {
      this.#reserve(4 + 12 * 8);
      this.#view.setInt32(this.#at, -1);
      this.#at += 4;
      return;
    }
    // A UTF-16 unit takes at most three bytes of UTF-8; the rest keeps room for the row's fixed fields.
    this.#reserve(4 + value.length * 3 + 12 * 8);
    const { written } = this.#text.encodeInto(value, this.#bytes.subarray(this.#at + 4));
    this.#view.setInt32(this.#at, written);
    this.#at += 4 + written;
  }

  /** Ends the data; the bytes are valid until the next `reset`. */
  finish(): Uint8Array {
    this.#reserve(2);
    this.#view.setInt16(this.#at, -1);
    this.#at += 2;
    return this.#bytes.subarray(0, this.#at);
  }
}

interface Settleable {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/**
 * Sends `data` through `statement` (a COPY … FROM STDIN) and settles when the server has said yes or no.
 * postgres.js resolves the query with its stream, and then loses both the end and the error of the COPY
 * (porsager/postgres#1173); taking over the query's callbacks once the stream is there gives both back.
 */
export async function copyIn(
  sql: Sql,
  statement: string,
  data: Uint8Array,
): Promise<void> {
  const query = sql.unsafe(statement);
  const stream: Writable = await query.writable();
  const ended = new Promise<void>((resolve, reject) => {
    const handle = query as unknown as Settleable;
    handle.resolve = () => resolve();
    handle.reject = reject;
  });
  stream.on("error", () => {}); // the same error arrives through the query
  stream.end(data);
  await ended;
}
