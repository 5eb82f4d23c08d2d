import { login, openWire } from "../address/login.ts";
import { createHostMemory, openServer } from "../address/open.ts";
import { addressOf, type Target } from "../address/target.ts";
import { cString, type WireMessage, writeMessage } from "./wire.ts";

/** A session that speaks the replication protocol; postgres.js knows neither its commands nor their answers. */
export interface Walsender {
  /** The server's version, e.g. 180004. */
  version: number;
  /** Sends one command; the messages of its answer follow, up to ReadyForQuery. A server's error is thrown. */
  run(command: string): AsyncGenerator<WireMessage>;
  close(): void;
}

/** Silence of this length ends a session: a checkpoint before a backup may take minutes. */
const silenceMs = 600_000;
const connectMs = 10_000;

/** Opens a physical replication session. Throws what the server says when the role may not, or pg_hba.conf forbids it. */
export async function openWalsender(target: Target, signal?: AbortSignal): Promise<Walsender> {
  const address = addressOf(target);
  const { socket, host } = await openServer(address, {
    timeoutMs: address.connectTimeoutMs ?? connectMs,
    memory: (target.kind === "url" ? target.memory : undefined) ?? createHostMemory(),
    signal: signal ?? new AbortController().signal,
  });
  const abort = () => socket.destroy(new Error("aborted"));
  signal?.addEventListener("abort", abort, { once: true });
  socket.setTimeout(silenceMs, () => socket.destroy(new Error("The server has gone silent")));
  const wire = openWire(socket, signal);
  const close = () => {
    signal?.removeEventListener("abort", abort);
    socket.on("error", () => {});
    socket.end(writeMessage("X", new Uint8Array()));
    socket.destroy();
  };
  try {
    const reported = await login(wire, {
      password: host.password ?? "",
      startup: { user: address.user, replication: "true", application_name: "holdfast-backup" },
    });
    const [major = 0, minor = 0] = (reported.get("server_version") ?? "").split(/[^\d]+/).map(
      Number,
    );
    return {
      version: major * 10_000 + minor,
      async *run(command) {
        wire.send("Q", cString(command));
        for (;;) {
          const message = await wire.next();
          if (message.type === "Z") return;
          yield message;
        }
      },
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}
