import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";
import { type Address, type Host, hostLabel } from "./address.ts";
import { startTls } from "./tls.ts";

/** Code of the error for a server without TLS where sslmode asks for it. */
export const tlsRefused = "TLS_REFUSED";

/** Code of the error for something else that listens where a server should. */
export const notPostgres = "NOT_POSTGRES";

/** One way to one address of a host. */
export interface Attempt {
  host: Host;
  /** A socket's path or an IP address. */
  at: string;
  tls: boolean;
}

export const fail = (code: string, message: string) => Object.assign(new Error(message), { code });

/** Runs `work` with a signal that ends with the caller's, or after `timeoutMs`. */
export async function within<T>(
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
  host: Host,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const own = new AbortController();
  const abort = () => own.abort(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  const timer = setTimeout(() => {
    const text = `${hostLabel(host)} does not answer within ${timeoutMs / 1000} s`;
    own.abort(fail("CONNECT_TIMEOUT", text));
  }, timeoutMs);
  try {
    const late = new Promise<never>((_, reject) =>
      own.signal.addEventListener("abort", () => reject(own.signal.reason), { once: true })
    );
    own.signal.throwIfAborted();
    return await Promise.race([work(own.signal), late]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
    // A later result of the work is discarded.
    own.abort();
  }
}

/** Resolves with the next event of a socket; an error of the socket rejects. */
function once(socket: Socket, event: "connect" | "data", signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const abort = () => socket.destroy(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    socket.once(event, (data?: Buffer) => {
      signal.removeEventListener("abort", abort);
      resolve(data ?? Buffer.alloc(0));
    });
    socket.once("error", reject);
    socket.once(
      "close",
      () => reject(fail("CONNECTION_CLOSED", "the server closed the connection")),
    );
  });
}

/** Opens one socket, up to where the startup message is due. */
export async function attempt(
  address: Address,
  { host, at, tls }: Attempt,
  signal: AbortSignal,
): Promise<{ socket: Socket; encrypted: boolean }> {
  const plain = host.socket ? connect({ path: at }) : connect({ host: at, port: host.port });
  // Errors that come when nobody waits for them any more are of no interest.
  plain.on("error", () => {});
  try {
    await once(plain, "connect", signal);
    if (!host.socket) {
      // COPY on loopback otherwise stalls about 90 ms, Nagle waiting for a delayed ACK (measured).
      plain.setNoDelay(true);
      const { keepaliveSeconds } = address;
      if (keepaliveSeconds !== undefined) plain.setKeepAlive(true, keepaliveSeconds * 1000);
    }
    if (!tls || host.socket) return { socket: plain, encrypted: false };
    if (!address.tls.direct) {
      const request = Buffer.alloc(8);
      request.writeInt32BE(8, 0);
      request.writeInt32BE(80877103, 4);
      const answer = once(plain, "data", signal);
      plain.write(request);
      const bytes = await answer;
      if (bytes.length === 1 && bytes[0] === 0x4e /* N */ && address.tls.mode === "prefer") {
        return { socket: plain, encrypted: false };
      }
      if (bytes[0] === 0x45 /* E */) {
        throw fail("CONNECTION_CLOSED", `${hostLabel(host)} refuses connections for now`);
      }
      if (bytes[0] !== 0x53 /* S */ && bytes[0] !== 0x4e /* N */) {
        throw fail(notPostgres, `${hostLabel(host)} does not answer as a Postgres server does`);
      }
      if (bytes[0] !== 0x53 /* S */) {
        throw fail(
          tlsRefused,
          `${hostLabel(host)} does not speak TLS, which sslmode=${address.tls.mode} asks for`,
        );
      }
      // Bytes after it would be taken for the server's, though nobody has vouched for them (CVE-2021-23222).
      if (bytes.length > 1) throw fail(tlsRefused, `${hostLabel(host)} spoke before TLS had begun`);
    }
    return { socket: await startTls(plain, host, address.tls, signal), encrypted: true };
  } catch (error) {
    plain.destroy();
    throw error;
  }
}
