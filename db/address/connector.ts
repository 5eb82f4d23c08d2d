import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { createMessageCutter } from "../backups/wire.ts";
import { markUnreachable } from "../errors.ts";
import { type Address, hostLabel } from "./address.ts";
import { fail } from "./attempt.ts";
import { mismatch, roleOf, roleParameters } from "./attrs.ts";
import { serverError } from "./login.ts";
import { type HostMemory, openServer, wrongRole } from "./open.ts";

/** Opens the sockets of one client of the driver. */
export interface Connector {
  /** Resolves with a socket in any case: one that fails at once where no host will do, as the driver needs it. */
  open(): Promise<Duplex>;
  /** Returns the password for the host that was opened last. */
  password(): string;
  /** Drops the connections of a server that has changed to a role which target_session_attrs does not ask for. */
  reported(name: string, value: string): void;
  /** Gives up what is still being opened. */
  close(): void;
}

/**
 * Returns a socket that fails with `error` once its owner listens and has sent its first message. The driver never
 * recovers from a socket that it is not given, nor from one that fails sooner: it would be connecting for ever.
 */
function failing(error: Error): Duplex {
  const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  setImmediate(() => setImmediate(() => socket.destroy(error)));
  return socket;
}

/**
 * Fails a socket whose other end hangs up before the session has begun, as a proxy does that has no server behind it. The
 * driver would otherwise connect again at once, for ever, and never tell; and after a lost session it swallows the error by
 * which a server refuses the next.
 */
function failUnlessBegun(socket: Socket, label: string, certified: boolean): void {
  const messages = createMessageCutter();
  let refusal: Error | undefined;
  const read = (bytes: Uint8Array) => {
    try {
      for (const { type, body } of messages.feed(bytes)) {
        if (type === "E") refusal = serverError(body);
        if (type === "Z") return stop();
      }
    } catch {
      stop(); // no messages of a server: the driver's connect timeout ends it
    }
  };
  const fails = () => {
    // With TLS 1.3 a certificate is refused after the handshake, and the reason may be lost with the connection.
    const text = `${label} closed the connection before the session began${
      certified ? ", as a server does that refuses the client's certificate (sslcert)" : ""
    }`;
    socket.destroy(markUnreachable(refusal ?? fail("CONNECTION_CLOSED", text)));
  };
  const stop = () => {
    socket.off("data", read);
    socket.off("end", fails);
  };
  socket.on("data", read);
  socket.once("end", fails);
}

/** `read` is asked at each connection, so that a new password or certificate is used from then on. */
export function createConnector(
  { read, memory, timeoutMs }: { read: () => Address; memory: HostMemory; timeoutMs: number },
): Connector {
  const closing = new AbortController();
  const opened = new Set<Socket>();
  let last: { address: Address; label: string; password: string } | undefined;
  /** What servers have reported of their role: the driver passes on what has changed, whichever of its connections it came by. */
  const reports = new Map<string, string>();
  let judging = false;

  function judge(): void {
    if (!last) return;
    const { address: { attrs }, label } = last;
    const problem = mismatch(attrs, roleOf(reports));
    if (problem === undefined) return;
    const text = `${label} ${problem}, and target_session_attrs is ${attrs}`;
    for (const socket of opened) socket.destroy(markUnreachable(fail(wrongRole, text)));
  }

  return {
    async open() {
      try {
        const address = read();
        const { socket, host } = await openServer(address, {
          timeoutMs: address.connectTimeoutMs ?? timeoutMs,
          memory,
          signal: closing.signal,
        });
        last = { address, label: hostLabel(host), password: host.password ?? "" };
        opened.add(socket);
        socket.once("close", () => opened.delete(socket));
        failUnlessBegun(
          socket,
          hostLabel(host),
          socket instanceof TLSSocket && address.tls.cert !== undefined,
        );
        return socket;
      } catch (error) {
        return failing(markUnreachable(error));
      }
    },
    password: () => last?.password ?? "",
    reported(name, value) {
      if (!(roleParameters as readonly string[]).includes(name)) return;
      reports.set(name, value);
      if (judging) return;
      judging = true;
      // At a login several come together, and halves of two servers' roles are none.
      queueMicrotask(() => {
        judging = false;
        judge();
      });
    },
    close: () => closing.abort(fail("CONNECTION_ENDED", "the client was closed")),
  };
}
