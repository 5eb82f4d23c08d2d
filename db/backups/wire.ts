import { Buffer } from "node:buffer";

/** One message of the server: the letter of its type, and its body. */
export interface WireMessage {
  type: string;
  body: Buffer;
}

/** Creates a splitter of a byte stream into messages of the frontend/backend protocol 3.0. */
export function createMessageCutter() {
  let held: Buffer[] = [];
  let length = 0;
  const join = () => {
    const joined = held.length === 1 ? held[0] as Buffer : Buffer.concat(held, length);
    held = [joined];
    return joined;
  };
  return {
    /** Yields all messages that are complete with these bytes; the rest is kept for the next call. */
    *feed(bytes: Uint8Array): Generator<WireMessage> {
      held.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
      length += bytes.byteLength;
      while (length >= 5) {
        const head = held[0] as Buffer;
        const known = head.length >= 5 ? head : join();
        const size = known.readInt32BE(1) + 1;
        if (size < 5) throw new Error("The server sent a message of impossible length");
        if (length < size) return;
        const message = known.length >= size ? known : join();
        yield { type: String.fromCharCode(message[0] ?? 0), body: message.subarray(5, size) };
        held[0] = message.subarray(size);
        length -= size;
        if (held[0].length === 0) held.shift();
      }
    },
  };
}

/** Returns a message to the server; the startup message has no type letter. */
export function writeMessage(type: string, body: Uint8Array): Buffer {
  const head = Buffer.alloc(type.length + 4);
  head.write(type, 0, "latin1");
  head.writeInt32BE(body.length + 4, type.length);
  return Buffer.concat([head, body]);
}

/** Returns a null-terminated string. */
export const cString = (text: string) => Buffer.from(`${text}\0`, "utf8");

/** Parses the columns of a DataRow, as text. */
export function readRow(body: Buffer): (string | null)[] {
  const columns: (string | null)[] = [];
  let at = 2;
  for (let left = body.readInt16BE(0); left > 0; left--) {
    const size = body.readInt32BE(at);
    at += 4;
    columns.push(size < 0 ? null : body.toString("utf8", at, at + size));
    at += Math.max(0, size);
  }
  return columns;
}

/** Parses the fields of an ErrorResponse by letter: S severity, C code, M message. */
export function readFields(body: Buffer): Record<string, string> {
  return Object.fromEntries(
    body.toString("utf8").split("\0").filter(Boolean).map((part) => [part[0], part.slice(1)]),
  );
}
