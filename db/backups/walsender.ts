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
      startup: {
        user: address.user,
        replication: "true",
        application_name: "holdfast-backup",
        // postgresql.conf may limit every session; a backup is limited by its own silence.
        client_encoding: "UTF8",
        statement_timeout: "0",
        idle_session_timeout: "0",
      },
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

/** A refusal of replication as the server, or whatever stands before it, gave it. */
export interface ReplicationRefusal {
  code: string;
  message: string;
  /** Something between does not pass on replication; the role and pg_hba.conf may be as they should. */
  pooler: boolean;
}

/**
 * Tries whether a base backup could be streamed: opens a replication session, asks which server it is, and ends. Answers why
 * not, or undefined when it can. Throws when the server is out of reach.
 */
export async function probeReplication(
  target: Target,
  { system, signal = AbortSignal.timeout(15_000) }: { system: string; signal?: AbortSignal },
): Promise<ReplicationRefusal | undefined> {
  let session: Walsender | undefined;
  try {
    session = await openWalsender(target, signal);
    let found = "";
    for await (const { type, body } of session.run("IDENTIFY_SYSTEM")) {
      if (type !== "D") continue;
      const bytes = body.readInt32BE(2);
      found = body.subarray(6, 6 + Math.max(0, bytes)).toString("utf8");
    }
    if (found === system) return undefined;
    return { code: "08P01", message: `it leads to another server (${found})`, pooler: true };
  } catch (error) {
    const { code, severity, message } = error as Error & { code?: string; severity?: string };
    // Only what a server said; a refused connection has a code, too, and no severity.
    if (severity === undefined || code === undefined) throw error;
    // A pooler that drops the parameter opens an ordinary session, in which the command is no SQL.
    return { code, message, pooler: code === "08P01" || code === "42601" };
  } finally {
    session?.close();
  }
}
