import type { Writable } from "node:stream";
import type { Sql } from "./connection.ts";

/** Signature, flags and header extension length of the binary format (manual, "COPY", File Formats). */
const header = new Uint8Array([
  ...new TextEncoder().encode("PGCOPY\n"),
  255,
  13,
  10,
  ...Array(9).fill(0),
]);
const trailer = new Uint8Array([0xff, 0xff]);

/** What stands before and after the rows of a COPY. */
export interface CopyFormat {
  header: Uint8Array;
  trailer: Uint8Array;
}

const binaryFormat: CopyFormat = { header, trailer };
/** The text format has neither. */
export const textFormat: CopyFormat = { header: new Uint8Array(0), trailer: new Uint8Array(0) };
const microsecondsTo2000 = 946_684_800_000_000;
const two32 = 2 ** 32;
/** Up to here a loop over the characters is quicker than a call of TextEncoder. */
const shortText = 24;

/** Writes rows of the binary COPY format, without its header and trailer, into one growing buffer. */
export class CopyEncoder {
  #bytes: Uint8Array;
  #view: DataView;
  #at = 0;
  readonly #text = new TextEncoder();

  constructor(initialBytes = 64 * 1024) {
    this.#bytes = new Uint8Array(initialBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Starts anew in the same memory: what `rows` answered is overwritten. */
  reset(): void {
    this.#at = 0;
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

  float4(value: number): void {
    this.#view.setInt32(this.#at, 4);
    this.#view.setFloat32(this.#at + 4, value);
    this.#at += 8;
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
    const start = this.#at + 4;
    if (value.length <= shortText) {
      let length = 0;
      for (; length < value.length; length++) {
        const unit = value.charCodeAt(length);
        if (unit > 0x7f) break;
        this.#bytes[start + length] = unit;
      }
      if (length === value.length) {
        this.#view.setInt32(this.#at, length);
        this.#at = start + length;
        return;
      }
    }
    const { written } = this.#text.encodeInto(value, this.#bytes.subarray(start));
    this.#view.setInt32(this.#at, written);
    this.#at = start + written;
  }

  /** The rows encoded since the last `reset`; valid until the next one. */
  rows(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }
}

/** The callbacks of a query of the driver. */
interface Settleable {
  resolve(value: Writable | { count: number }): void;
  reject(error: unknown): void;
}

/** A running COPY … FROM STDIN. */
export interface CopyStream {
  /** Sends encoded rows; settles when they have left, so that the sender keeps the server's pace. */
  write(rows: Uint8Array): Promise<void>;
  /** Ends the data and settles when the server has said yes, to this number of rows, or no. */
  end(): Promise<number>;
  /** Sends the end of the data, so that other statements may follow at once; `ended` settles as `end` does. */
  sendEnd(): Promise<{ ended: Promise<number> }>;
  /** Gives up: the server undoes what this COPY brought, and the transaction with it. */
  abort(): Promise<void>;
}

/**
 * Sends `statement`. `opened` is the stream of its data, `ended` the number of rows that the server took. postgres.js settles a
 * query once, with the stream, and loses both the end and the error that follow (porsager/postgres#1173), even one that
 * arrives together with the stream: so its callbacks are taken over before it is sent.
 */
function sendCopy(sql: Sql, statement: string) {
  const opened = Promise.withResolvers<Writable>();
  const ended = Promise.withResolvers<number>();
  ended.promise.catch(() => {});
  const query = sql.unsafe(statement);
  const callbacks = query as unknown as Settleable;
  callbacks.resolve = (value) => {
    if (!("count" in value)) return opened.resolve(value);
    opened.reject(new Error("The statement ended before it took data"));
    ended.resolve(value.count);
  };
  callbacks.reject = (error) => {
    opened.reject(error);
    ended.reject(error);
  };
  query.writable().catch(() => {}); // sends it; never settles
  return { opened: opened.promise, ended: ended.promise };
}

/**
 * Resolves once the driver's stream has sent the end of the data: from then on the driver takes the next statement. A stream that
 * has ended destroys itself, and the driver would then send a CopyFail, which ends whichever COPY is open by then.
 */
function whenEndSent(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const final = stream._final;
    stream._final = (done) => {
      stream._destroy = (error, done) => done(error);
      final.call(stream, done);
      resolve();
    };
  });
}

/** Starts `statement`, a COPY … FROM STDIN in binary or another `format`. */
export async function openCopy(
  sql: Sql,
  statement: string,
  format: CopyFormat = binaryFormat,
): Promise<CopyStream> {
  const { opened, ended } = sendCopy(sql, statement);
  const stream = await opened;
  const endSent = whenEndSent(stream);
  stream.on("error", () => {}); // the same error arrives through the query
  /** Goes out with the first rows: each write of its own wakes the server. */
  let first: Uint8Array | undefined = format.header;
  const withHeader = (rows: Uint8Array): Uint8Array => {
    if (!first) return rows;
    const bytes = new Uint8Array(first.length + rows.length);
    bytes.set(first);
    bytes.set(rows, first.length);
    first = undefined;
    return bytes;
  };
  return {
    // A write that fails never calls back once the stream is gone: the query tells why.
    async write(rows) {
      const sent = new Promise<void>((resolve) =>
        stream.write(withHeader(rows), (error) => error ? undefined : resolve())
      );
      await Promise.race([ended, sent]);
    },
    async end() {
      stream.end(withHeader(format.trailer));
      return await ended;
    },
    async sendEnd() {
      stream.end(withHeader(format.trailer));
      await Promise.race([ended, endSent]);
      return { ended };
    },
    async abort() {
      stream.destroy(new Error("given up by the sender"));
      await ended.catch(() => {});
    },
  };
}

/** Sends encoded `rows` through `statement` as one whole COPY. */
export async function copyIn(sql: Sql, statement: string, rows: Uint8Array): Promise<void> {
  const copy = await openCopy(sql, statement);
  await copy.write(rows);
  await copy.end();
}
