import type { IncomingMessage, ServerResponse } from "node:http";
import type { IncomingRequest } from "./request.ts";

/** A request and its answer. */
export interface Exchange {
  incoming: IncomingMessage;
  outgoing: ServerResponse;
  /** Once it is handed on. */
  request?: IncomingRequest | undefined;
}

/** Requests that may wait behind a pending one before no more is read from their connection. */
const aheadMax = 16;
/** Requests that may wait on one connection when they came in one piece, and on all. */
const waitingMax = 256;
const waitingInAllMax = 20_000;

/** Requests that wait, counted over the connections that share it. */
export interface WaitingCount {
  requests: number;
}

/** The part of a connection that stops and goes on being read. */
export interface Readable {
  pause(): unknown;
  resume(): unknown;
}

/**
 * The requests of one connection, answered one at a time in their order. What is pipelined behind a pending one waits, and is
 * bounded: no more is read once some wait, and a connection of which too many have been read by then is given up.
 */
export class ExchangeQueue<E = Exchange> {
  readonly #waiting: E[] = [];
  readonly #inAll: WaitingCount;
  readonly #begin: (exchange: E) => void;
  readonly #readable: Readable;
  #current: E | undefined;

  /** `begin` starts to answer; whoever answers calls `done` after it. */
  constructor(readable: Readable, inAll: WaitingCount, begin: (exchange: E) => void) {
    this.#readable = readable;
    this.#inAll = inAll;
    this.#begin = begin;
  }

  get current(): E | undefined {
    return this.#current;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Takes the next request of the connection; false where too many wait and the connection must end. */
  add(exchange: E): boolean {
    if (this.#current === undefined) {
      this.#start(exchange);
      return true;
    }
    if (this.#waiting.length >= waitingMax || this.#inAll.requests >= waitingInAllMax) return false;
    this.#waiting.push(exchange);
    this.#inAll.requests++;
    if (this.#waiting.length === aheadMax) this.#readable.pause();
    return true;
  }

  /** The current request has been answered: the next one follows. */
  done(): void {
    this.#current = undefined;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#inAll.requests--;
    if (this.#waiting.length === aheadMax - 1) this.#readable.resume();
    this.#start(next);
  }

  /** The connection is gone, and nobody waits for answers. */
  clear(): void {
    this.#inAll.requests -= this.#waiting.length;
    this.#waiting.length = 0;
  }

  #start(exchange: E): void {
    this.#current = exchange;
    this.#begin(exchange);
  }
}
