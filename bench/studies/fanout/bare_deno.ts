import { broadcast, stampOf } from "../../cases/fanout/protocol.ts";

/** The bare loop: `Deno.serve`, `Deno.upgradeWebSocket`, and one send for each socket. */
const next = stampOf(await Deno.readTextFile(Deno.args[0] ?? ""));
const sockets = new Set<WebSocket>();
Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen: ({ port }) => console.log(port) },
  (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onopen = () => sockets.add(socket);
    socket.onclose = () => sockets.delete(socket);
    socket.onerror = () => {};
    return response;
  },
);
setInterval(() => {
  const text = next();
  for (const socket of sockets) if (socket.readyState === WebSocket.OPEN) socket.send(text);
}, broadcast.everyMs);
