import { sqlState } from "../sql_state.ts";
import { login, openWire } from "../address/login.ts";
import { createHostMemory, openServer } from "../address/open.ts";
import { addressOf, type Target } from "../address/target.ts";
import { cString, type WireMessage, writeMessage } from "./wire.ts";

/** A session of the replication protocol, which postgres.js does not support. */
export interface Walsender {
  /** The server's version, e.g. 180004. */
  version: number;
  /** Sends one command and yields the messages of its answer, up to ReadyForQuery. Throws the server's error. */
  run(command: string): AsyncGenerator<WireMessage>;
  close(): void;
}

/** Longest time without data before a session ends; the checkpoint before a backup may take minutes. */
const silenceMs = 600_000;
const connectMs = 10_000;

/** Opens a physical replication session. Throws the server's error when the role or pg_hba.conf does not allow it. */
export const openWalsender = (target: Target, signal?: AbortSignal): Promise<Walsender> =>
  openSession(target, {
    replication: "true",
    application_name: "holdfast-backup",
    // postgresql.conf may limit all sessions; a backup has its own limit on silence.
    client_encoding: "UTF8",
    statement_timeout: "0",
    idle_session_timeout: "0",
  }, signal);

/**
 * Opens a session with these startup parameters beside user and database. For a COPY that is read at the reader's pace, which
 * postgres.js may stop for good once it has paused it.
 */
export async function openSession(
  target: Target,
  parameters: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<Walsender> {
  const address = addressOf(target);
  const { socket, host } = await openServer(address, {
    timeoutMs: address.connectTimeoutMs ?? connectMs,
    memory: (target.kind === "url" ? target.memory : undefined) ?? createHostMemory(),
    signal: signal ?? new AbortController().signal,
  });
  const abort = () => {
    const reason: unknown = signal?.reason;
    socket.destroy(reason instanceof Error ? reason : new Error("aborted"));
  };
  signal?.addEventListener("abort", abort, { once: true });
  socket.setTimeout(
    silenceMs,
    () => socket.destroy(new Error(`The server sent nothing for ${silenceMs / 1000} s`)),
  );
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
      startup: { user: address.user, ...parameters },
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

/** A refused replication session, as the server or a pooler in front of it reported it. */
export interface ReplicationRefusal {
  code: string;
  message: string;
  /** Whether a pooler refused it; the role and pg_hba.conf may be correct then. */
  pooler: boolean;
}

/**
 * Tries a replication session and compares the server's identifier. Returns why base backups are refused; undefined when
 * they are possible. Throws when the server cannot be reached.
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
    return {
      code: sqlState.protocolViolation,
      message: `the connection leads to another server (${found})`,
      pooler: true,
    };
  } catch (error) {
    const { code, severity, message } = error as Error & { code?: string; severity?: string };
    // A server's error has a severity; a refused connection has only a code.
    if (severity === undefined || code === undefined) throw error;
    // A pooler that drops the parameter opens an ordinary session, where the command is a syntax error.
    return {
      code,
      message,
      pooler: code === sqlState.protocolViolation || code === sqlState.syntaxError,
    };
  } finally {
    session?.close();
  }
}
