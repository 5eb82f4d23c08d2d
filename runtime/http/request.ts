import { Buffer } from "node:buffer";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Bytes, ByteSource } from "../types.ts";

/** Bytes of a body that may wait to be read. */
const aheadBytes = 64 * 1024;
/** What a chunk counts for at least: it costs memory of its own, so that 64 KiB of single bytes would take megabytes. */
const chunkBytesMin = 64;
/** Chunks below this size are handed on together: whoever reads works once for each piece. */
const smallBytes = 4 * 1024;

const costOf = ({ length }: Bytes) => Math.max(length, chunkBytesMin);

/** The body as it comes: no more is read from the connection than is taken, but for 64 KiB; one that breaks off is an error. */
function sourceOf(incoming: IncomingMessage): ByteSource {
  const waiting: Bytes[] = [];
  let waitingBytes = 0;
  let over = false;
  let failure: Error | undefined;
  let asked: PromiseWithResolvers<Bytes | undefined> | undefined;

  function end(error?: Error): void {
    if (over) return;
    over = true;
    failure = error;
    if (error) asked?.reject(error);
    else asked?.resolve(undefined);
    asked = undefined;
  }

  incoming.on("data", (chunk: Bytes) => {
    if (over) return;
    if (asked) {
      const { resolve } = asked;
      asked = undefined;
      return resolve(chunk);
    }
    waiting.push(chunk);
    waitingBytes += costOf(chunk);
    if (waitingBytes >= aheadBytes) incoming.pause();
  });
  incoming.on("end", () => end());
  incoming.on("error", end);
  const brokenOff = () => {
    if (!over) end(new Error("The connection was closed before the body's end"));
  };
  incoming.on("close", brokenOff);
  if (incoming.destroyed && !incoming.complete) brokenOff();

  /** Takes the first chunk, with all that wait behind it when it is small. */
  function take(): Bytes | undefined {
    const [first] = waiting;
    if (!first) return undefined;
    const taken = waiting.splice(0, first.length < smallBytes ? waiting.length : 1);
    for (const chunk of taken) waitingBytes -= costOf(chunk);
    return taken.length === 1 ? first : new Uint8Array(Buffer.concat(taken));
  }

  return {
    next() {
      const chunk = take();
      if (chunk) {
        if (waitingBytes < aheadBytes) incoming.resume();
        return Promise.resolve(chunk);
      }
      if (failure) return Promise.reject(failure);
      if (over) return Promise.resolve(undefined);
      asked = Promise.withResolvers();
      return asked.promise;
    },
    cancel() {
      waiting.length = 0;
      waitingBytes = 0;
      end();
      incoming.resume(); // discards the rest
    },
  };
}

function streamOf(source: ByteSource): ReadableStream<Bytes> {
  return new ReadableStream({
    async pull(controller) {
      const chunk = await source.next();
      if (chunk) controller.enqueue(chunk);
      else controller.close();
    },
    cancel: () => source.cancel(),
  }, { highWaterMark: 0 });
}

/** A request whose signal, made when somebody asks for it, aborts when its client leaves before it has the answer. */
export class IncomingRequest extends Request {
  readonly #outgoing: ServerResponse;
  #left: AbortController | undefined;

  constructor(url: string, init: RequestInit, outgoing: ServerResponse) {
    super(url, init);
    this.#outgoing = outgoing;
  }

  override get signal(): AbortSignal {
    if (this.#left) return this.#left.signal;
    this.#left = new AbortController();
    if (this.#outgoing.destroyed) this.abandon();
    else {
      this.#outgoing.once("close", () => {
        if (!this.#outgoing.writableFinished) this.abandon();
      });
    }
    return this.#left.signal;
  }

  /** Aborts the signal: nobody gets the answer any more. */
  abandon(): void {
    this.#left ??= new AbortController();
    this.#left.abort(new DOMException("The client has left", "AbortError"));
  }
}

/** A request whose body's stream is made when somebody asks for it: a stream costs as much as the rest of the request. */
class RequestWithBody extends IncomingRequest {
  readonly #incoming: IncomingMessage;
  #source: ByteSource | undefined;
  #stream: ReadableStream<Bytes> | undefined;

  constructor(url: string, init: RequestInit, outgoing: ServerResponse, incoming: IncomingMessage) {
    super(url, init, outgoing);
    this.#incoming = incoming;
  }

  /** The body without a stream around it; either this or one of the others, once. */
  source(): ByteSource {
    return this.#source ??= sourceOf(this.#incoming);
  }

  override get body(): ReadableStream<Bytes> {
    return this.#stream ??= streamOf(this.source());
  }

  override async arrayBuffer(): Promise<ArrayBuffer> {
    const { buffer } = await this.bytes();
    return buffer;
  }

  override async bytes(): Promise<Bytes> {
    const chunks: Bytes[] = [];
    const source = this.source();
    for (let chunk = await source.next(); chunk; chunk = await source.next()) chunks.push(chunk);
    return new Uint8Array(Buffer.concat(chunks));
  }

  override async text(): Promise<string> {
    return new TextDecoder().decode(await this.bytes());
  }

  override async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }
}

/** The web's request for node's, at the address that its head names. */
export function webRequest(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  url: string,
): IncomingRequest {
  const { method = "GET", rawHeaders } = incoming;
  const headers: [string, string][] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    headers.push([rawHeaders[at] ?? "", rawHeaders[at + 1] ?? ""]);
  }
  if (method === "GET" || method === "HEAD") {
    return new IncomingRequest(url, { method, headers }, outgoing);
  }
  return new RequestWithBody(url, { method, headers }, outgoing, incoming);
}
