import { Hono } from "hono";
import { HoldfastError } from "../errors.ts";
import type { Auth } from "../services/auth/service.ts";
import type { Clock } from "../services/clock.ts";
import type { Hub } from "../services/hub.ts";
import { type LiveConnection, serveLive } from "../services/live.ts";
import type { Upgrade } from "../runtime/types.ts";
import type { AppEnv } from "./shared.ts";

export interface LiveRoutes {
  router: Hono<AppEnv>;
  /** Says goodbye to every client with 1001 (going away). */
  closeAll(): void;
  clients(): number;
}

/** How long a client that is closed may take to confirm it; milliseconds. */
const confirmMs = 5_000;

/** The live channel at /ws. */
export function liveRoutes(
  { hub, auth, clock, upgrade, clientsMax, bufferMax, version }: {
    hub: Hub;
    auth: Pick<Auth, "watch">;
    clock: Clock;
    upgrade: Upgrade;
    clientsMax: number;
    bufferMax: number;
    version: string;
  },
): LiveRoutes {
  const router = new Hono<AppEnv>();
  const sockets = new Set<WebSocket>();

  function accept(request: Request): ReturnType<Upgrade> {
    try {
      return upgrade(request);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw new HoldfastError("invalid_request", `Cannot open a WebSocket: ${error.message}`);
    }
  }

  router.get("/ws", (c) => {
    if (c.req.header("upgrade")?.toLowerCase() !== "websocket") {
      throw new HoldfastError(
        "invalid_request",
        "This path speaks WebSocket; connect with Upgrade: websocket",
      );
    }
    if (sockets.size >= clientsMax) {
      throw new HoldfastError("overloaded", `${clientsMax} clients are connected already`, {
        retryAfterSeconds: 10,
      });
    }
    const { socket, response, cut } = accept(c.req.raw);
    let cutting: ReturnType<typeof setTimeout> | undefined;
    let connection: LiveConnection | undefined;
    let unwatch: (() => void) | undefined;
    const principal = c.get("principal");
    const close = (code: number, reason: string) => {
      socket.close(code, reason);
      // One that reads nothing never confirms the end; it counts until it is gone.
      cutting ??= setTimeout(() => cut?.(), confirmMs);
    };
    socket.addEventListener("open", () => {
      sockets.add(socket);
      connection = serveLive({
        send: (text) => socket.send(text),
        close,
        get bufferedAmount() {
          return socket.bufferedAmount;
        },
        get isOpen() {
          return socket.readyState === WebSocket.OPEN;
        },
      }, { hub, clock, bufferMax, version });
      unwatch = principal && auth.watch(principal, () => {
        connection?.end();
        close(1008, "the token or session has ended");
      });
    });
    socket.addEventListener("message", (event) => connection?.receive(event.data));
    const leave = () => {
      clearTimeout(cutting);
      sockets.delete(socket);
      unwatch?.();
      connection?.end();
    };
    socket.addEventListener("close", leave);
    socket.addEventListener("error", leave);
    return response;
  });

  return {
    router,
    closeAll() {
      for (const socket of sockets) {
        try {
          socket.close(1001, "Holdfast is shutting down");
        } catch {
          // already closing
        }
      }
    },
    clients: () => sockets.size,
  };
}
