import { Hono } from "hono";
import { HoldfastError } from "../../errors.ts";
import type { Auth } from "../../services/auth/service.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Hub } from "../../services/live/hub.ts";
import { createAdmission } from "../../services/live/admission.ts";
import { type LiveConnection, serveLive } from "../../services/live/connection.ts";
import { ServedSocket } from "../../services/live/served_socket.ts";
import { readResumeQuery } from "../../services/live/resume.ts";
import type { Upgrade } from "../../runtime/types.ts";
import type { AppEnv } from "../common/shared.ts";

export interface LiveRoutes {
  router: Hono<AppEnv>;
  /** Closes every socket with 1001 (going away). */
  closeAll(): void;
  clients(): number;
}

/** How long a handshake that was answered may take until its socket is open. */
const openMs = 10_000;

/** The live channel at /ws. */
export function liveRoutes(
  {
    hub,
    auth,
    clock,
    upgrade,
    clientsMax,
    clientsPerAddressMax = clientsMax,
    bufferMax,
    version,
    catchUp,
  }: {
    hub: Hub;
    auth: Pick<Auth, "watch">;
    clock: Clock;
    upgrade: Upgrade;
    clientsMax: number;
    clientsPerAddressMax?: number;
    bufferMax: number;
    version: string;
    /** Resolves once the events that others stored are here, or cannot be known. */
    catchUp?: () => Promise<void>;
  },
): LiveRoutes {
  const router = new Hono<AppEnv>();
  const sockets = new Set<WebSocket>();
  const admission = createAdmission({ max: clientsMax, perAddressMax: clientsPerAddressMax });

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
    const from = readResumeQuery(new URL(c.req.url).searchParams);
    if (typeof from === "string") {
      throw new HoldfastError("invalid_request", `Cannot read the query: ${from}`);
    }
    const exit = admission.enter(c.get("client")?.address ?? "");
    const opening = setTimeout(exit, openMs);
    let upgraded: ReturnType<Upgrade>;
    try {
      upgraded = accept(c.req.raw);
    } catch (error) {
      clearTimeout(opening);
      exit();
      throw error;
    }
    const { socket, response, cut } = upgraded;
    const served = new ServedSocket(socket, cut);
    let connection: LiveConnection | undefined;
    let unwatch: (() => void) | undefined;
    const principal = c.get("principal");
    socket.addEventListener("open", () => {
      clearTimeout(opening);
      sockets.add(socket);
      connection = serveLive(served, {
        hub,
        clock,
        bufferMax,
        version,
        from,
        ...(catchUp ? { catchUp } : {}),
      });
      unwatch = principal && auth.watch(principal, () => {
        connection?.end();
        served.close(1008, "the token or session has ended");
      });
    });
    socket.addEventListener("message", (event) => connection?.receive(event.data));
    const leave = () => {
      clearTimeout(opening);
      served.left();
      exit();
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
