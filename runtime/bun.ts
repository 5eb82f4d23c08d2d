import process from "node:process";
import { lockFile } from "./bun_lock.ts";
import {
  type Listener,
  type Runtime,
  type ServeOptions,
  stopSignals,
  type Upgrade,
} from "./types.ts";

/** The part of Bun used here; its own types are not needed to build on Deno. */
interface BunSocket {
  data: { events: EventSocket };
  send(text: string): number;
  close(code?: number, reason?: string): void;
  getBufferedAmount?(): number;
}

interface BunServer {
  port: number;
  requestIP(request: Request): { address: string } | null;
  upgrade(request: Request, options: { data: unknown }): boolean;
  stop(closeActive?: boolean): Promise<void>;
}

interface BunApi {
  serve(options: unknown): BunServer;
}

const bun = (globalThis as unknown as { Bun: BunApi }).Bun;
const servers = new WeakMap<Request, BunServer>();
const upgraded = new WeakSet<Request>();

/** Bun's server-side socket, which has callbacks, with the events and properties of a WebSocket. */
class EventSocket extends EventTarget {
  readyState: number = WebSocket.CONNECTING;
  #raw: BunSocket | undefined;

  attach(socket: BunSocket): void {
    this.#raw = socket;
    this.readyState = WebSocket.OPEN;
  }

  send(text: string): void {
    this.#raw?.send(text);
  }

  close(code?: number, reason?: string): void {
    this.#raw?.close(code, reason);
  }

  /** Notes that the connection has ended. */
  left(): void {
    this.readyState = WebSocket.CLOSED;
    this.dispatchEvent(new Event("close"));
  }

  get bufferedAmount(): number {
    return this.#raw?.getBufferedAmount?.() ?? 0;
  }
}

/** Upgrades with Bun's server; the response is a placeholder, Bun has answered by itself. */
export const upgrade: Upgrade = (request) => {
  const events = new EventSocket();
  const accepted = servers.get(request)?.upgrade(request, { data: { events } }) === true;
  if (accepted) upgraded.add(request);
  return {
    socket: events as unknown as WebSocket,
    response: new Response(null, { status: accepted ? 200 : 400 }),
  };
};

/** Bun has one limit of its own, on connections without traffic; it takes up to 255 s. */
const idleSecondsMax = 255;

function serve({ host, port, headers = {}, limits, handle }: ServeOptions): Promise<Listener> {
  const server = bun.serve({
    hostname: host,
    port,
    idleTimeout: Math.min(idleSecondsMax, Math.ceil((limits?.idleMs ?? 75_000) / 1000)),
    async fetch(request: Request, self: BunServer) {
      servers.set(request, self);
      const response = await handle(request, self.requestIP(request)?.address ?? "");
      if (upgraded.has(request)) return undefined;
      for (const [name, value] of Object.entries(headers)) {
        if (!response.headers.has(name)) response.headers.set(name, value);
      }
      return response;
    },
    websocket: {
      open(socket: BunSocket) {
        const { events } = socket.data;
        events.attach(socket);
        // Not before the one who upgrades has had a chance to listen.
        queueMicrotask(() => events.dispatchEvent(new Event("open")));
      },
      message(socket: BunSocket, data: string) {
        socket.data.events.dispatchEvent(new MessageEvent("message", { data }));
      },
      close(socket: BunSocket) {
        socket.data.events.left();
      },
    },
  });
  return Promise.resolve({ port: server.port, stop: () => server.stop() });
}

/** Bun's side of what differs between runtimes. Its timers stand in for cron: minutes and hours, in UTC. */
export function createBunRuntime(): Runtime {
  return {
    name: "bun",
    env: () => process.env,
    args: () => process.argv.slice(2),
    serve,
    cron(_name, schedule, signal, job) {
      const minute = schedule.split(" ")[0] ?? "*";
      let running = false;
      const timer = setInterval(async () => {
        if (running || (minute !== "*" && new Date().getUTCMinutes() !== Number(minute))) return;
        running = true;
        await job().finally(() => running = false);
      }, 60_000);
      signal.addEventListener("abort", () => clearInterval(timer));
    },
    onStopSignal(handler) {
      const listeners = stopSignals.map((signal) => ({ signal, on: () => handler(signal) }));
      for (const { signal, on } of listeners) process.on(signal, on);
      return () => {
        for (const { signal, on } of listeners) process.off(signal, on);
      };
    },
    lockFile,
    exit: (code) => process.exit(code),
    memory: () => {
      const { rss, heapUsed } = process.memoryUsage();
      return { rss_bytes: rss, heap_used_bytes: heapUsed };
    },
  };
}
