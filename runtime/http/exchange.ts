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
/** Requests that came in one piece with those: the last of this many is answered with the connection's end. */
const waitingMax = 100;

/** The part of a connection that stops and goes on being read. */
export interface Readable {
  pause(): unknown;
  resume(): unknown;
}

/**
 * The requests of one connection, answered one at a time in their order. What is pipelined behind a pending one waits, and is
 * bounded: at first no more is read, and what has been read already beyond a bound is left to be sent again on another connection.
 */
export class ExchangeQueue<E = Exchange> {
  readonly #waiting: E[] = [];
  readonly #begin: (exchange: E, last: () => boolean) => void;
  readonly #readable: Readable;
  #current: E | undefined;
  #paused = false;
  #full = false;

  /** `begin` starts to answer; its `last` says, when the answer begins, whether the connection ends with it. */
  constructor(readable: Readable, begin: (exchange: E, last: () => boolean) => void) {
    this.#readable = readable;
    this.#begin = begin;
  }

  get current(): E | undefined {
    return this.#current;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Whether bytes of the connection may lie unread because of us. */
  get paused(): boolean {
    return this.#paused;
  }

  /** Takes the next request of the connection. */
  add(exchange: E): void {
    if (this.#full) return;
    if (this.#current === undefined) return this.#start(exchange);
    this.#waiting.push(exchange);
    this.#full = this.#waiting.length >= waitingMax;
    if (this.#paused || this.#waiting.length < aheadMax) return;
    this.#paused = true;
    this.#readable.pause();
  }

  /** The current request has been answered: the next one's turn. */
  done(): void {
    this.#current = undefined;
    const next = this.#waiting.shift();
    if (this.#paused && !this.#full && this.#waiting.length < aheadMax / 2) {
      this.#paused = false;
      this.#readable.resume();
    }
    if (next !== undefined && this.#current === undefined) this.#start(next);
  }

  /** The connection is gone, and nobody waits for answers. */
  clear(): void {
    this.#waiting.length = 0;
    this.#full = true;
  }

  #start(exchange: E): void {
    this.#current = exchange;
    this.#begin(exchange, () => this.#full && this.#waiting.length === 0);
  }
}
