/** The part of npm's `ws` used here; its own types would bring node's in place of Deno's. */
import type { EventEmitter } from "node:events";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

export interface Accepted extends EventEmitter {
  binaryType: "nodebuffer" | "arraybuffer" | "fragments";
  ping(): void;
  terminate(): void;
}

export class WebSocketServer {
  constructor(options: { noServer: true; maxPayload: number; perMessageDeflate: boolean });
  handleUpgrade(
    incoming: IncomingMessage,
    socket: Duplex,
    head: Uint8Array,
    callback: (socket: Accepted) => void,
  ): void;
}
