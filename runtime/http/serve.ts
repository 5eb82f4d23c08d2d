import { createServer, type IncomingMessage, type ServerOptions, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Listener, ServeOptions } from "../types.ts";
import { webRequest } from "./request.ts";
import { sendResponse } from "./response.ts";
import { isUpgraded, noteAsking } from "./web_socket.ts";

/** Longer than the pauses of senders that keep a connection, and of proxies before us. */
const keepAliveMs = 75_000;
const headersMs = 30_000;
/** How long a sender that was answered before its body's end may go on sending, so that it can read the answer. */
const lingerMs = 2_000;
const idleCheckMs = 50;

function refuse(outgoing: ServerResponse, status: number): void {
  outgoing.writeHead(status, { "content-length": 0, connection: "close" });
  outgoing.end();
}

/** A request the web has a form for; others are answered here. */
function understood(incoming: IncomingMessage, outgoing: ServerResponse): Request | undefined {
  try {
    return webRequest(incoming);
  } catch {
    refuse(outgoing, incoming.method === "TRACE" ? 405 : 400);
    return undefined;
  }
}

/**
 * Listens with node:http, which reads no more of a body than is taken. `Deno.serve` (2.9) looks for the end of the
 * connection with each read and keeps what it finds: a body in small chunks, sent faster than the database takes it,
 * fills the memory.
 */
export function serveHttp({ host, port, headers, handle }: ServeOptions): Promise<Listener> {
  let stopping = false;
  /** Every connection, with the number of its requests that are not answered yet. */
  const connections = new Map<Socket, number>();

  function closeIdle(): void {
    for (const [socket, unanswered] of connections) if (unanswered === 0) socket.destroy();
  }

  function countIn(socket: Socket, outgoing: ServerResponse): void {
    const change = (by: number) => {
      const count = connections.get(socket);
      if (count !== undefined) connections.set(socket, count + by);
    };
    change(1);
    outgoing.once("close", () => change(-1));
  }

  async function answer(request: Request, outgoing: ServerResponse, from: IncomingMessage) {
    try {
      const response = await handle(request, from.socket.remoteAddress ?? "");
      if (stopping || !from.complete) outgoing.setHeader("connection", "close");
      await sendResponse(response, outgoing, headers);
    } catch {
      // The handler answers its own errors; what is left is a connection that went away.
      outgoing.destroy();
    }
    if (from.complete) return;
    from.resume();
    const timer = setTimeout(() => from.destroy(), lingerMs);
    from.once("close", () => clearTimeout(timer));
  }

  const options: ServerOptions & { shouldUpgradeCallback(request: IncomingMessage): boolean } = {
    // Other upgrades are not taken: their requests are answered as if they had not asked. Not in the types yet.
    shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === "websocket",
    keepAliveTimeout: keepAliveMs,
    headersTimeout: headersMs,
    requestTimeout: 0, // an upload may take hours; one that stalls is ended by who reads it
    noDelay: true,
  };
  const server = createServer(options);
  server.on("connection", (socket: Socket) => {
    connections.set(socket, 0);
    socket.once("close", () => connections.delete(socket));
  });
  server.on("request", (incoming, outgoing) => {
    countIn(incoming.socket, outgoing);
    const request = understood(incoming, outgoing);
    if (request) void answer(request, outgoing, incoming);
  });
  server.on("upgrade", async (incoming: IncomingMessage, socket: Socket, head: Uint8Array) => {
    connections.delete(incoming.socket); // whoever took it up closes it
    socket.on("error", () => socket.destroy());
    const outgoing = new ServerResponse(incoming);
    outgoing.shouldKeepAlive = false;
    const request = understood(incoming, outgoing);
    if (!request) return void socket.destroy();
    noteAsking(request, { incoming, socket, head });
    const response = await handle(request, incoming.socket.remoteAddress ?? "");
    if (isUpgraded(request)) return;
    outgoing.assignSocket(socket);
    outgoing.on("finish", () => socket.end());
    await sendResponse(response, outgoing, headers).catch(() => socket.destroy());
  });

  const { promise: bound, resolve, reject } = Promise.withResolvers<Listener>();
  server.once("error", reject);
  server.listen(port, host, () => {
    server.off("error", reject);
    resolve({
      port: (server.address() as AddressInfo).port,
      async stop() {
        stopping = true;
        // Its own callback waits for WebSockets, which are closed by whoever opened them.
        server.close();
        while (connections.size > 0) {
          closeIdle();
          await delay(idleCheckMs);
        }
      },
    });
  });
  return bound;
}
