import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { Buffer } from "node:buffer";
// @ts-types="./ws.d.ts"
import { WebSocketServer } from "ws";
import type { Upgrade } from "../types.ts";

/** A connection whose request asks for an upgrade. */
export interface Asking {
  incoming: IncomingMessage;
  socket: Duplex;
  head: Uint8Array;
}

const pingMs = 30_000;
/** What a client has to say is short: a longer message ends its connection. */
const messageMaxBytes = 64 * 1024;

const askings = new WeakMap<Request, Asking>();
const server = new WebSocketServer({
  noServer: true,
  maxPayload: messageMaxBytes,
  perMessageDeflate: false,
});

/** Notes whose connection the request came on, for `upgrade` to find. */
export function noteAsking(request: Request, asking: Asking): void {
  askings.set(request, asking);
}

/** Whether the connection was answered by `upgrade`: with a handshake, or with what was wrong about the asking. */
export const isUpgraded = (request: Request) => !askings.has(request);

/**
 * Upgrades a request to a WebSocket that pings every 30 s and drops what does not answer. The handshake is answered
 * on the connection itself; the response is a placeholder. A malformed asking is answered 400, its socket never opens.
 */
export const upgrade: Upgrade = (request) => {
  const asking = askings.get(request);
  if (!asking) throw new TypeError("The request does not ask for an upgrade");
  askings.delete(request);
  const { incoming, socket, head } = asking;
  let accepted: EventTarget = new EventTarget();
  // Calls back before it returns, or never: nothing is asked of anybody else.
  server.handleUpgrade(incoming, socket, Buffer.from(head), (webSocket) => {
    webSocket.binaryType = "arraybuffer"; // as the web's socket can have it
    let alive = true;
    const timer = setInterval(() => {
      if (!alive) return webSocket.terminate();
      alive = false;
      webSocket.ping();
    }, pingMs);
    webSocket.on("pong", () => alive = true);
    webSocket.on("close", () => clearInterval(timer));
    // Not before the one who upgrades has had a chance to listen.
    queueMicrotask(() => webSocket.emit("open"));
    accepted = webSocket as unknown as EventTarget;
  });
  return { socket: accepted as WebSocket, response: new Response(null) };
};
