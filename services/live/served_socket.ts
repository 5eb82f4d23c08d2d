import type { LiveSocket } from "./connection.ts";

/** How long a client that is closed may take to confirm it; milliseconds. */
const confirmMs = 5_000;

/**
 * A client's WebSocket. A class rather than an object with getters: V8 gives each such object a shape of its own, which made
 * the loop over all clients half as long again.
 */
export class ServedSocket implements LiveSocket {
  readonly #socket: WebSocket;
  readonly #cut: (() => void) | undefined;
  #cutting: ReturnType<typeof setTimeout> | undefined;

  /** Takes an open socket, and what ends one whose client does not confirm the end. */
  constructor(socket: WebSocket, cut?: () => void) {
    this.#socket = socket;
    this.#cut = cut;
  }

  send(text: string): void {
    this.#socket.send(text);
  }

  /** Closes the socket, and cuts the connection of a client that reads nothing: it counts until it is gone. */
  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
    this.#cutting ??= setTimeout(() => this.#cut?.(), confirmMs);
  }

  /** Notes that the connection has ended. */
  left(): void {
    clearTimeout(this.#cutting);
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }
}
