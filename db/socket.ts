import { connect, type Socket } from "node:net";

/**
 * Opens a TCP connection without Nagle's delay: each COPY on loopback otherwise stalls about 90 ms,
 * Nagle waiting for a delayed ACK (measured; Unix sockets are not affected).
 */
export function openSocket(
  { host, port, timeoutMs }: { host: string; port: number; timeoutMs: number },
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const fail = (error: Error) => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    const timer = setTimeout(
      () => fail(Object.assign(new Error(`connect to ${host}:${port} timed out`), { code: "CONNECT_TIMEOUT" })),
      timeoutMs,
    );
    socket.once("error", fail);
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.off("error", fail);
      socket.setNoDelay(true);
      socket.setKeepAlive(true, 10_000);
      resolve(socket);
    });
  });
}
