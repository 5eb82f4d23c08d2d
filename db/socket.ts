import { connect, type Socket } from "node:net";

/**
 * Opens a TCP connection without Nagle's delay: each COPY on loopback otherwise stalls about 90 ms,
 * Nagle waiting for a delayed ACK (measured; Unix sockets are not affected).
 *
 * The socket is handed over while it still connects, so that postgres.js sees it fail and close by itself;
 * a promise rejected here would leave its connection "connecting" for ever. Its connect_timeout applies.
 */
export function openSocket({ host, port }: { host: string; port: number }): Socket {
  const socket = connect({ host, port });
  socket.once("connect", () => {
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 10_000);
  });
  return socket;
}
