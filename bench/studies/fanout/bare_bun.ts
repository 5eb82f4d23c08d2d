import { readFileSync } from "node:fs";
import { broadcast, stampOf } from "../../cases/fanout/protocol.ts";

/** The part of Bun used here; its own types are not needed. */
interface BunServer {
  port: number;
  upgrade(request: Request): boolean;
  publish(topic: string, text: string): number;
}
interface BunApi {
  argv: string[];
  serve(options: unknown): BunServer;
}

/** Bun's own fan-out with one publish for all; run by Bun. */
const bun = (globalThis as unknown as { Bun: BunApi }).Bun;
const next = stampOf(readFileSync(bun.argv[2] ?? "", "utf8"));
const server = bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: (request: Request, self: BunServer) =>
    self.upgrade(request) ? undefined : new Response(null, { status: 400 }),
  websocket: {
    open: (socket: { subscribe(topic: string): void }) => socket.subscribe("all"),
    message() {},
  },
});
console.log(server.port);
setInterval(() => server.publish("all", next()), broadcast.everyMs);
