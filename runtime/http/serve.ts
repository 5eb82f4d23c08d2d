import { createServer, type IncomingMessage, type ServerOptions, ServerResponse } from "node:http";
import type { AddressInfo, Server, Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Listener, ListenerFault, ListenerLimits, Refuse, ServeOptions } from "../types.ts";
import { type Connection, Connections } from "./connections.ts";
import type { Exchange } from "./exchange.ts";
import { closingFields, destroyLater, endWith, refusePlainly } from "./refusal.ts";
import { type IncomingRequest, webRequest } from "./request.ts";
import { sendResponse } from "./response.ts";
import { type HeadFault, readHead } from "./target.ts";
import { isUpgraded, noteAsking } from "./web_socket.ts";

const defaults: ListenerLimits = {
  headMs: 30_000,
  // Longer than the pauses of senders that keep a connection, and of proxies before us.
  idleMs: 75_000,
  requestMs: 3_900_000,
  connectionsMax: 20_000,
  connectionsPerAddressMax: 11_000,
};
const headBytesMax = 16 * 1024;
const idleCheckMs = 50;
const allowed = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/** Says why a connection's bytes are not a request. */
function faultOf(code: string | undefined): HeadFault {
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") {
    return { fault: "request_timeout", detail: "The head of the request did not come in time" };
  }
  if (code === "HPE_HEADER_OVERFLOW") {
    const detail = `The head of the request is larger than ${headBytesMax} bytes`;
    return { fault: "head_too_large", detail };
  }
  return { fault: "invalid_request", detail: "Cannot read the request: it is not HTTP/1.1" };
}

/** Says whether a head that is too large is so by its request line alone. */
function isLongTarget(packet: Uint8Array | undefined): boolean {
  if (packet === undefined) return false;
  const end = packet.indexOf(0x0a);
  return (end < 0 ? packet.length : end) > headBytesMax / 2;
}

type ClientError = Error & { code?: string; rawPacket?: Uint8Array };

class HttpListener {
  readonly #server: Server;
  readonly #options: ServeOptions;
  readonly #limits: ListenerLimits;
  readonly #refuse: Refuse;
  readonly #connections: Connections;
  readonly #check: ReturnType<typeof setInterval>;
  #stopping = false;

  constructor(options: ServeOptions) {
    this.#options = options;
    this.#limits = { ...defaults, ...options.limits };
    this.#refuse = options.refuse ?? refusePlainly;
    this.#connections = new Connections(this.#limits);
    const { headMs, idleMs, requestMs } = this.#limits;
    const everyMs = Math.min(1_000, Math.max(20, Math.min(headMs, idleMs, requestMs) / 4));
    this.#check = setInterval(() => this.#endOverdue(), everyMs);
    this.#server = this.#createServer(everyMs);
  }

  #createServer(everyMs: number): Server {
    const { headMs, idleMs } = this.#limits;
    const options: ServerOptions & { shouldUpgradeCallback(request: IncomingMessage): boolean } = {
      // Other upgrades are not taken: their requests are answered as if they had not asked. Not in the types yet.
      shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === "websocket",
      keepAliveTimeout: idleMs,
      headersTimeout: headMs,
      connectionsCheckingInterval: everyMs,
      requestTimeout: 0, // an upload may take hours; whoever reads a body has limits for it
      maxHeaderSize: headBytesMax,
      requireHostHeader: false, // answered here, as all else that is wrong with a head
      noDelay: true,
    };
    const server = createServer(options);
    server.maxHeadersCount = 0; // beyond it, headers would be left out; their bytes are bounded
    server.on("connection", (socket: Socket) => this.#admit(socket));
    const take = (incoming: IncomingMessage, outgoing: ServerResponse) => {
      const connection = this.#connections.of(incoming.socket);
      if (!connection?.exchanges.add({ incoming, outgoing })) incoming.socket.destroy();
    };
    server.on("request", take);
    server.on("checkExpectation", take);
    server.on("upgrade", (incoming, socket, head) => {
      void this.#upgrade(incoming, socket as Socket, head);
    });
    server.on("connect", (_incoming, socket) => {
      const detail = "CONNECT is not taken here: this server is no proxy";
      this.#end(socket as Socket, { fault: "method_not_allowed", detail });
    });
    server.on("clientError", (error, socket) => this.#failed(error, socket as Socket));
    return server;
  }

  listen(): Promise<Listener> {
    const { host, port } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<Listener>();
    const failed = (error: Error) => {
      clearInterval(this.#check);
      reject(error);
    };
    this.#server.once("error", failed);
    this.#server.listen(port, host, () => {
      this.#server.off("error", failed);
      resolve({
        port: (this.#server.address() as AddressInfo).port,
        stop: () => this.#stop(),
      });
    });
    return promise;
  }

  async #stop(): Promise<void> {
    this.#stopping = true;
    // Its own callback waits for WebSockets, which are closed by whoever opened them.
    this.#server.close();
    for (;;) {
      const open = [...this.#connections.open()];
      if (open.length === 0) break;
      for (const { socket, exchanges } of open) if (!exchanges.current) socket.destroy();
      await delay(idleCheckMs);
    }
    clearInterval(this.#check);
  }

  #admit(socket: Socket): void {
    const connection = this.#connections.admit(
      socket,
      (connection, exchange) => this.#begin(connection, exchange),
    );
    if (!connection) {
      socket.on("error", () => socket.destroy());
      const detail = "Too many connections are open; close some, or raise HOLDFAST_CONNECTIONS_MAX";
      return this.#end(socket, { fault: "too_many_connections", detail });
    }
    socket.once("close", () => {
      // One that was upgraded has left node:http, and closes later.
      if (!connection.upgraded) this.#connections.release(connection);
    });
  }

  #begin(connection: Connection, exchange: Exchange): void {
    connection.since = performance.now();
    exchange.outgoing.once("close", () => {
      connection.since = performance.now();
      connection.exchanges.done();
    });
    void this.#answer(exchange);
  }

  async #answer(exchange: Exchange): Promise<void> {
    const { incoming, outgoing } = exchange;
    const request = this.#understood(incoming, outgoing);
    exchange.request = request;
    if (request) {
      const response = await this.#handled(request, incoming.socket);
      if (outgoing.headersSent) return; // its time was over
      if (this.#stopping || !incoming.complete) outgoing.setHeader("connection", "close");
      if (!response) {
        this.#refuseRequest(outgoing, {
          fault: "internal",
          detail: "Something failed on our side",
        });
      } else {
        // The connection was closed, or the stream could not be sent to its end.
        await sendResponse(response, outgoing, this.#options.headers).catch(() =>
          outgoing.destroy()
        );
      }
    }
    if (incoming.complete) return;
    incoming.resume(); // so that the sender can read the answer
    destroyLater(incoming.socket);
  }

  /** The handler's answer; it answers its own errors, so that none is one of ours. */
  async #handled(request: Request, { remoteAddress = "" }: Socket): Promise<Response | undefined> {
    try {
      return await this.#options.handle(request, remoteAddress);
    } catch {
      return undefined;
    }
  }

  /** A request to hand on; others are answered here. */
  #understood(incoming: IncomingMessage, outgoing: ServerResponse): IncomingRequest | undefined {
    const { method = "GET", url = "/", httpVersion, rawHeaders, headers } = incoming;
    const read = readHead({ method, target: url, version: httpVersion, rawHeaders });
    if ("fault" in read) return void this.#refuseRequest(outgoing, read);
    if (headers.expect !== undefined && headers.expect.toLowerCase() !== "100-continue") {
      const detail = "Only the expectation 100-continue can be met";
      return void this.#refuseRequest(outgoing, { fault: "expectation_failed", detail });
    }
    if ("url" in read) return webRequest(incoming, outgoing, read.url);
    const numbered = { "x-request-id": crypto.randomUUID(), allow: allowed };
    outgoing.writeHead(204, { ...this.#options.headers, ...numbered });
    outgoing.end();
  }

  #refuseRequest(outgoing: ServerResponse, { fault, detail }: HeadFault): void {
    const answer = this.#refuse(fault, detail);
    outgoing.writeHead(answer.status, {
      ...closingFields(answer, this.#options.headers ?? {}),
      ...(fault === "method_not_allowed" ? { allow: allowed } : {}),
    });
    outgoing.end(answer.body);
  }

  /** Refuses what is no request, and ends the connection. */
  #end(socket: Socket, { fault, detail }: HeadFault): void {
    const answer = this.#refuse(fault, detail);
    const headers = fault === "method_not_allowed"
      ? { ...answer.headers, allow: allowed }
      : answer.headers;
    endWith(socket, { ...answer, headers }, this.#options.headers ?? {});
  }

  /** What came on a connection is no HTTP, or did not come in time. */
  #failed({ code, rawPacket }: ClientError, socket: Socket): void {
    const exchanges = this.#connections.of(socket)?.exchanges;
    const late = code === "ERR_HTTP_REQUEST_TIMEOUT";
    if (late && exchanges?.current) return; // we do not read on before it is answered
    const begun = exchanges?.current?.outgoing.headersSent ?? false;
    if (begun || (exchanges?.waiting ?? 0) > 0 || !socket.writable) return void socket.destroy();
    const read = faultOf(code);
    this.#end(
      socket,
      read.fault === "head_too_large" && isLongTarget(rawPacket)
        ? { fault: "target_too_long", detail: "The request target is too long" }
        : read,
    );
  }

  async #upgrade(incoming: IncomingMessage, socket: Socket, head: Uint8Array): Promise<void> {
    const connection = this.#connections.of(incoming.socket);
    socket.on("error", () => socket.destroy());
    // An answer that is still to come would be written into the middle of what follows.
    if (!connection || connection.exchanges.current) return void socket.destroy();
    connection.upgraded = true;
    const left = () => this.#connections.release(connection);
    const outgoing = new ServerResponse(incoming);
    outgoing.shouldKeepAlive = false;
    const answer = () => {
      outgoing.assignSocket(socket);
      socket.once("close", left);
      outgoing.on("finish", () => {
        socket.end();
        destroyLater(socket);
      });
    };
    const request = this.#understood(incoming, outgoing);
    if (!request) return answer();
    noteAsking(request, { incoming, socket, head, left });
    const response = await this.#handled(request, socket);
    if (isUpgraded(request)) return;
    answer();
    if (response) {
      await sendResponse(response, outgoing, this.#options.headers).catch(() => socket.destroy());
    } else {
      this.#refuseRequest(outgoing, { fault: "internal", detail: "Something failed on our side" });
    }
  }

  #endOverdue(): void {
    for (const [connection, what] of this.#connections.overdue(performance.now())) {
      const { socket, exchanges: { current } } = connection;
      if (what !== "request" || !current || current.outgoing.headersSent) socket.destroy();
      else this.#endRequest(current);
    }
  }

  /** The time for a request is over before it was answered. */
  #endRequest({ incoming, outgoing, request }: Exchange): void {
    const seconds = this.#limits.requestMs / 1_000;
    const fault: ListenerFault = incoming.complete ? "deadline_exceeded" : "request_timeout";
    const detail = incoming.complete
      ? `The answer was not ready within ${seconds} s (HOLDFAST_REQUEST_SECONDS)`
      : `The request did not end within ${seconds} s (HOLDFAST_REQUEST_SECONDS)`;
    this.#refuseRequest(outgoing, { fault, detail });
    request?.abandon();
    destroyLater(incoming.socket);
  }
}

/**
 * Listens with node:http, which reads no more of a body than is taken. `Deno.serve` (2.9) looks for the end of the
 * connection with each read and keeps what it finds: a body in small chunks, sent faster than the database takes it,
 * fills the memory.
 */
export function serveHttp(options: ServeOptions): Promise<Listener> {
  return new HttpListener(options).listen();
}
