import { HoldfastError } from "../../../errors.ts";
import { createPacer } from "../../../lib/pacer.ts";
import { describeJsonFault } from "./json_fault.ts";

/** An element of an array: its place, from 1, and its JSON; undefined when it is too long. */
interface Element {
  place: number;
  text: string | undefined;
}

/** Bytes of one element: more than any tick needs, and a bound on memory. */
export const elementMax = 64 * 1024;
/** Bytes parsed before the event loop runs again. */
const pieceBytes = 8 * 1024;

const comma = 0x2c, quote = 0x22, backslash = 0x5c, newline = 0x0a;
const openArray = 0x5b, closeArray = 0x5d, openObject = 0x7b, closeObject = 0x7d;
const isSpace = (byte: number) => byte === 0x20 || byte === newline || byte === 0x0d || byte === 9;

function malformed(line: number, path: string, message: string, cause?: unknown): HoldfastError {
  return new HoldfastError("malformed_body", `Cannot parse line ${line}: ${message}`, {
    problems: [{ line, path, message }],
    cause,
  });
}

/**
 * Splits the bytes of a JSON array into its elements as they arrive and holds only one of them. Elements are cut at the
 * array's own commas and brackets and are not parsed here; the bytes around them are checked. */
class ArrayScan {
  #state: "before" | "element" | "after" = "before";
  /** Brackets open inside the element. */
  #depth = 0;
  #inString = false;
  #escaped = false;
  #parts: Uint8Array[] = [];
  #held = 0;
  #place = 0;
  /** Line ends of the body so far, and before the element. */
  #lines = 1;
  #elementLine = 1;

  /** Yields the elements that end in this chunk. */
  *take(chunk: Uint8Array): Generator<Element> {
    let at = this.#state === "element" ? 0 : this.#outside(chunk, 0);
    let from = at;
    while (at < chunk.length) {
      const byte = chunk[at] ?? 0;
      if (byte === newline) this.#lines++;
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === backslash) this.#escaped = true;
        else if (byte === quote) this.#inString = false;
      } else if (byte === quote) this.#inString = true;
      else if (byte === openArray || byte === openObject) this.#depth++;
      else if (this.#depth > 0) {
        if (byte === closeArray || byte === closeObject) this.#depth--;
      } else if (byte === comma || byte === closeArray) {
        this.#hold(chunk.subarray(from, at));
        const element = this.#end(byte);
        if (element) yield element;
        at = from = byte === comma ? at + 1 : this.#outside(chunk, at + 1);
        continue;
      }
      at++;
    }
    if (this.#state === "element") this.#hold(chunk.slice(from, at));
  }

  /** Ends the scan. Throws when the array has not ended. */
  finish(): void {
    if (this.#state === "after") return;
    if (this.#state === "before") throw malformed(this.#lines, "body", "the body is empty");
    const text = this.#tooLong ? "" : this.#text();
    const { field, words } = describeJsonFault(`[${text}`);
    throw malformed(this.#lines, field ?? "body", `the body is not JSON: ${words}`);
  }

  /** Skips the bytes before or after the array and returns where the first element begins. */
  #outside(chunk: Uint8Array, start: number): number {
    for (let at = start; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0;
      if (byte === newline) this.#lines++;
      if (isSpace(byte)) continue;
      if (this.#state === "before" && byte === openArray) {
        this.#state = "element";
        this.#elementLine = this.#lines;
        return at + 1;
      }
      throw this.#misplaced(chunk.subarray(at, at + 40));
    }
    return chunk.length;
  }

  /** Returns the error of bytes outside the array. */
  #misplaced(bytes: Uint8Array): HoldfastError {
    const text = this.#decode([bytes]);
    if (this.#state === "before" && /^["{tfn\d-]/.test(text)) {
      return new HoldfastError("malformed_body", "The body must be a JSON array of ticks", {
        problems: [{ line: 1, path: "body", message: "not an array" }],
      });
    }
    const { words } = describeJsonFault(this.#state === "after" ? `[]${text}` : text);
    return malformed(this.#lines, "body", `the body is not JSON: ${words}`);
  }

  #hold(part: Uint8Array): void {
    this.#held += part.length;
    if (this.#tooLong) this.#parts = [];
    else if (part.length > 0) this.#parts.push(part);
  }

  get #tooLong(): boolean {
    return this.#held > elementMax;
  }

  #text(): string {
    return this.#decode(this.#parts);
  }

  #decode(parts: readonly Uint8Array[]): string {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    try {
      return parts.map((part) => decoder.decode(part, { stream: true })).join("") +
        decoder.decode();
    } catch (cause) {
      throw new HoldfastError("malformed_body", "The body is not UTF-8 text", {
        problems: [{ line: this.#elementLine, path: "body", message: "not UTF-8" }],
        cause,
      });
    }
  }

  /** Ends an element at its comma or at the end of the array; undefined in an empty array. */
  #end(byte: number): Element | undefined {
    const text = this.#tooLong ? undefined : this.#text();
    const last = byte === closeArray;
    const blank = text?.trim() === "";
    if (blank) {
      if (!last || this.#place > 0) {
        throw malformed(
          this.#lines,
          "body",
          `the body is not JSON: unexpected ${JSON.stringify(String.fromCharCode(byte))}`,
        );
      }
    } else this.#place++;
    this.#parts = [];
    this.#held = 0;
    if (last) this.#state = "after";
    if (blank) return undefined;
    const element = { place: this.#place, text };
    this.#elementLine = this.#lines;
    return element;
  }

  /** Returns the line of the body, from 1, on which the last element began. */
  lineOf(text: string): number {
    return Math.max(1, this.#elementLine - (text.split("\n").length - 1));
  }
}

/** Reads the elements of a JSON array as its bytes arrive and lets the event loop run between them. Throws a HoldfastError. */
export async function* readElements(
  chunks: AsyncIterable<Uint8Array>,
  parseText: (text: string) => unknown = JSON.parse,
): AsyncGenerator<{ place: number; value: unknown; tooLong: boolean }> {
  const pacer = createPacer();
  const scan = new ArrayScan();
  let first = true;
  for await (const chunk of chunks) {
    const marked = first && chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf;
    first = false;
    for (let at = marked ? 3 : 0; at < chunk.length; at += pieceBytes) {
      for (const { place, text } of scan.take(chunk.subarray(at, at + pieceBytes))) {
        const tooLong = text === undefined;
        yield { place, value: tooLong ? undefined : parse(text, scan, parseText), tooLong };
      }
      await pacer.pause();
    }
  }
  scan.finish();
}

function parse(text: string, scan: ArrayScan, parseText: (text: string) => unknown): unknown {
  try {
    return parseText(text);
  } catch (cause) {
    const { line, field, words } = describeJsonFault(text);
    const at = scan.lineOf(text) + line - 1;
    throw malformed(at, field ?? "body", `the body is not JSON: ${words}`, cause);
  }
}
