import type { Socket } from "node:net";
import { type Exchange, ExchangeQueue, type Readable, type WaitingCount } from "./exchange.ts";
import type { ListenerLimits } from "../types.ts";

/** One connection, until it is gone or somebody else has taken it over and left. */
export interface Connection {
  socket: Socket;
  address: string;
  exchanges: ExchangeQueue;
  /** Since when it has neither begun a request nor ended one; or since when the present one goes on. */
  since: number;
  /** A WebSocket has taken it over. */
  upgraded: boolean;
}

/** What has gone on for too long on a connection. */
export type Overdue = "quiet" | "request" | "answer";

/** How far an answer has been taken by its reader, and since when no further. */
interface Progress {
  written: number;
  unsent: number;
  since: number;
}

/** Says what has gone on for too long on a connection; undefined where nothing has. */
export function overdue(
  { busy, since, upgraded, stuckSince }: {
    busy: boolean;
    since: number;
    upgraded: boolean;
    /** Since when no byte of the answer was taken; undefined where none waits. */
    stuckSince: number | undefined;
  },
  { headMs, idleMs, requestMs }: Pick<ListenerLimits, "headMs" | "idleMs" | "requestMs">,
  now: number,
): Overdue | undefined {
  if (upgraded) return undefined;
  if (!busy) return now - since > headMs + idleMs ? "quiet" : undefined;
  if (now - since > requestMs) return "request";
  return stuckSince !== undefined && now - stuckSince > idleMs ? "answer" : undefined;
}

/** Pauses a socket for good: without more, its parser resumes it at the end of each request that it has still read. */
function readableOf(socket: Socket): Readable {
  return {
    pause() {
      socket.resume = () => socket;
      socket.pause();
    },
    resume() {
      Reflect.deleteProperty(socket, "resume"); // the method of its class is there again
      socket.resume();
    },
  };
}

/** Every connection of a listener, counted in all and by address. */
export class Connections {
  readonly #all = new Map<Socket, Connection>();
  readonly #byAddress = new Map<string, number>();
  readonly #progress = new WeakMap<Connection, Progress>();
  readonly #waiting: WaitingCount = { requests: 0 };
  readonly #limits: ListenerLimits;

  constructor(limits: ListenerLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#all.size;
  }

  /** Those that are neither upgraded nor gone. */
  *open(): Generator<Connection> {
    for (const connection of this.#all.values()) if (!connection.upgraded) yield connection;
  }

  of(socket: Socket): Connection | undefined {
    return this.#all.get(socket);
  }

  /** Counts a connection in; undefined where there are too many, in all or of its address. */
  admit(
    socket: Socket,
    begin: (connection: Connection, exchange: Exchange) => void,
  ): Connection | undefined {
    const address = socket.remoteAddress ?? "";
    const ofAddress = this.#byAddress.get(address) ?? 0;
    const { connectionsMax, connectionsPerAddressMax } = this.#limits;
    if (this.#all.size >= connectionsMax || ofAddress >= connectionsPerAddressMax) return undefined;
    const connection: Connection = {
      socket,
      address,
      exchanges: new ExchangeQueue<Exchange>(
        readableOf(socket),
        this.#waiting,
        (exchange) => begin(connection, exchange),
      ),
      since: performance.now(),
      upgraded: false,
    };
    this.#all.set(socket, connection);
    this.#byAddress.set(address, ofAddress + 1);
    return connection;
  }

  /** Counts a connection out; more than once does no harm. */
  release({ socket, address, exchanges }: Connection): void {
    if (!this.#all.delete(socket)) return;
    exchanges.clear();
    const left = (this.#byAddress.get(address) ?? 1) - 1;
    if (left > 0) this.#byAddress.set(address, left);
    else this.#byAddress.delete(address);
  }

  /** Those on which something has gone on for too long. */
  *overdue(now: number): Generator<[Connection, Overdue]> {
    for (const connection of this.open()) {
      const { since, upgraded, exchanges } = connection;
      const busy = exchanges.current !== undefined;
      const stuckSince = busy ? this.#stuckSince(connection, now) : undefined;
      const what = overdue({ busy, since, upgraded, stuckSince }, this.#limits, now);
      if (what) yield [connection, what];
    }
  }

  #stuckSince(connection: Connection, now: number): number | undefined {
    const { bytesWritten: written, writableLength: unsent } = connection.socket;
    if (unsent === 0) {
      this.#progress.delete(connection);
      return undefined;
    }
    const before = this.#progress.get(connection);
    if (before?.written === written && before.unsent === unsent) return before.since;
    this.#progress.set(connection, { written, unsent, since: now });
    return now;
  }
}
