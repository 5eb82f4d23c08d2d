import { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Upgrade } from "../types.ts";

/** A connection whose request asks for a WebSocket. */
export interface Asking {
  incoming: IncomingMessage;
  socket: Socket;
  head: Uint8Array;
  /** Called once the WebSocket has ended. */
  left(): void;
}

/** Seconds after which a client that does not answer a ping is gone. */
const idleSeconds = 60;

const askings = new WeakMap<Request, Asking>();

/** Notes on whose connection the request came, for `upgrade` to find. */
export function noteAsking(request: Request, asking: Asking): void {
  askings.set(request, asking);
}

/** Says whether `upgrade` has taken the connection; it has answered the handshake then. */
export const isUpgraded = (request: Request) => !askings.has(request);

/** Says what keeps a request from being a handshake of RFC 6455; undefined where nothing does. */
function handshakeFault({ headers, method }: Request): string | undefined {
  const tokens = (headers.get("connection") ?? "").toLowerCase().split(",").map((one) =>
    one.trim()
  );
  if (method !== "GET") return "a WebSocket is asked for by GET";
  if (!tokens.includes("upgrade")) return "the header Connection does not say upgrade";
  if (headers.get("sec-websocket-version") !== "13") return "Sec-WebSocket-Version must be 13";
  if (!/^[A-Za-z0-9+/]{22}==$/.test(headers.get("sec-websocket-key") ?? "")) {
    return "Sec-WebSocket-Key must be 16 bytes in base64";
  }
  return undefined;
}

/** The part of Deno's internals that closes a resource. */
interface Internals {
  core?: { close?(resource: number): void };
}

/**
 * Ends a connection whose peer neither reads nor closes. A native socket that is closing waits for its peer for ever, with all
 * that was not sent, and its idle timer has stopped (Deno 2.9, ext/websocket/01_websocket.js); only closing the resource
 * beneath it helps, which no public API does. Where a later Deno has moved it, nothing happens.
 */
function cutOff(socket: WebSocket): void {
  const { internal } = Deno as unknown as { internal?: symbol };
  const internals = internal && (Deno as unknown as Record<symbol, Internals>)[internal];
  const key = Object.getOwnPropertySymbols(socket).find(({ description }) =>
    description === "[[rid]]"
  );
  const resource = key && (socket as unknown as Record<symbol, unknown>)[key];
  try {
    if (typeof resource === "number") internals?.core?.close?.(resource);
  } catch {
    // It has ended by itself.
  }
}

/** What `node:net` keeps of the operating system's socket. */
type Handle = { close?(done: () => void): void } | null | undefined;

/**
 * Upgrades a request to a native WebSocket that pings, and drops what does not answer. The handshake is answered on the
 * connection itself; the response is a placeholder. Throws a TypeError that says why where the request is no handshake;
 * the request can be answered then.
 *
 * Deno 2.9: bytes that `node:http` has read beyond the head are in the socket's buffer, not in `head`; and the handle of
 * `node:net` stays, with about 3 KiB, until somebody closes it.
 */
export const upgrade: Upgrade = (request) => {
  const asking = askings.get(request);
  const fault = asking ? handshakeFault(request) : "the request does not ask for an upgrade";
  if (!asking || fault !== undefined) throw new TypeError(fault);
  askings.delete(request);
  const { socket, head } = asking;
  const handle = (socket as unknown as { _handle: Handle })._handle;
  const read: Uint8Array | null = socket.read();
  const upgraded = Deno.upgradeWebSocket(request, {
    socket,
    head: read ? Buffer.concat([head, read]) : head,
    idleTimeout: idleSeconds,
  });
  upgraded.socket.binaryType = "arraybuffer";
  upgraded.socket.addEventListener("close", asking.left, { once: true });
  upgraded.socket.addEventListener("open", () => handle?.close?.(() => {}), { once: true });
  return {
    socket: upgraded.socket,
    response: new Response(null),
    cut: () => cutOff(upgraded.socket),
  };
};
