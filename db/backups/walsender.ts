import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { connect, type Socket } from "node:net";
import process from "node:process";
import { connect as connectTls } from "node:tls";
import { HoldfastError } from "../../errors.ts";
import type { Target } from "../connection.ts";
import { createScram } from "./scram.ts";
import {
  createMessageCutter,
  cString,
  readFields,
  type WireMessage,
  writeMessage,
} from "./wire.ts";

/** A session that speaks the replication protocol; postgres.js knows neither its commands nor their answers. */
export interface Walsender {
  /** The server's version, e.g. 180004. */
  version: number;
  /** Sends one command; the messages of its answer follow, up to ReadyForQuery. A server's error is thrown. */
  run(command: string): AsyncGenerator<WireMessage>;
  close(): void;
}

interface Address {
  where: { path: string } | { host: string; port: number };
  user: string;
  password: string;
  tls: string;
}

function addressOf(target: Target): Address {
  if (target.kind === "socket") {
    const path = `${target.directory}/.s.PGSQL.${target.port}`;
    return { where: { path }, user: target.user, password: "", tls: "disable" };
  }
  const url = new URL(target.url.replace("@/", "@localhost/"));
  const given = url.searchParams;
  const port = Number(url.port || given.get("port") || 5432);
  const host = given.get("host") ?? (decodeURIComponent(url.hostname) || "localhost");
  return {
    where: host.startsWith("/")
      ? { path: `${host}/.s.PGSQL.${port}` }
      : { host: host.replace(/^\[|\]$/g, ""), port },
    user: decodeURIComponent(url.username) || given.get("user") || process.env.PGUSER || "postgres",
    password: decodeURIComponent(url.password) || process.env.PGPASSWORD || "",
    tls: given.get("sslmode") ?? given.get("ssl") ?? "disable",
  };
}

/** Silence of this length ends a session: a checkpoint before a backup may take minutes. */
const silenceMs = 600_000;
const connectMs = 10_000;

function opened(socket: Socket, event: "connect" | "secureConnect"): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => socket.destroy(new Error("CONNECT_TIMEOUT")), connectMs);
    const end = (error?: Error) => {
      clearTimeout(timer);
      error ? reject(error) : resolve();
    };
    socket.once(event, () => end());
    socket.once("error", end);
  });
}

async function openSocket({ where, tls }: Address): Promise<Socket> {
  const plain = connect(where as { host: string; port: number });
  await opened(plain, "connect");
  if ("path" in where || tls === "disable" || tls === "false") return plain;
  const request = Buffer.alloc(8);
  request.writeInt32BE(8, 0);
  request.writeInt32BE(80877103, 4);
  const answer = new Promise<string>((resolve, reject) => {
    plain.once("data", (bytes: Buffer) => resolve(bytes.toString("latin1")));
    plain.once("error", reject);
  });
  plain.write(request);
  if (await answer !== "S") {
    if (["prefer", "allow"].includes(tls)) return plain;
    plain.destroy();
    throw new Error("The server does not speak TLS, and sslmode asks for it");
  }
  const secure = connectTls({
    socket: plain,
    servername: where.host,
    rejectUnauthorized: tls.startsWith("verify"),
  });
  await opened(secure, "secureConnect");
  return secure;
}

/** Opens a physical replication session. Throws what the server says when the role may not, or pg_hba.conf forbids it. */
export async function openWalsender(target: Target, signal?: AbortSignal): Promise<Walsender> {
  const address = addressOf(target);
  const socket = await openSocket(address);
  const abort = () => socket.destroy(new Error("aborted"));
  signal?.addEventListener("abort", abort, { once: true });
  socket.setTimeout(silenceMs, () => socket.destroy(new Error("The server has gone silent")));
  const send = (type: string, body: Uint8Array) => void socket.write(writeMessage(type, body));
  const messages = readMessages(socket);
  const next = async (): Promise<WireMessage> => {
    const { value, done } = await messages.next();
    if (signal?.aborted) throw signal.reason;
    if (done) throw new Error("The server closed the replication session");
    if (value.type === "E") throw serverError(value.body);
    return value;
  };
  const close = () => {
    signal?.removeEventListener("abort", abort);
    socket.on("error", () => {});
    socket.end(writeMessage("X", Buffer.alloc(0)));
    socket.destroy();
  };
  try {
    const version = await login(address, send, next);
    return {
      version,
      async *run(command) {
        send("Q", cString(command));
        for (;;) {
          const message = await next();
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

async function* readMessages(socket: Socket): AsyncGenerator<WireMessage> {
  const cutter = createMessageCutter();
  for await (const bytes of socket) yield* cutter.feed(bytes as Uint8Array);
}

function serverError(body: Buffer): Error {
  const { C: code = "", M: message = "", S: severity = "" } = readFields(body);
  return Object.assign(new Error(message), { code, severity });
}

async function login(
  { user, password }: Address,
  send: (type: string, body: Uint8Array) => void,
  next: () => Promise<WireMessage>,
): Promise<number> {
  const pairs = ["user", user, "replication", "true", "application_name", "holdfast-backup"];
  const protocol = Buffer.alloc(4);
  protocol.writeInt32BE(196608, 0);
  send("", Buffer.concat([protocol, ...pairs.map(cString), Buffer.alloc(1)]));
  const scram = createScram(password);
  let version = 0;
  for (;;) {
    const { type, body } = await next();
    if (type === "Z") return version;
    if (type === "S") {
      const [name, value = ""] = body.toString("utf8").split("\0");
      if (name === "server_version") {
        const [major = 0, minor = 0] = value.split(/[^\d]+/).map(Number);
        version = major * 10_000 + minor;
      }
    }
    if (type !== "R") continue;
    const kind = body.readInt32BE(0);
    const rest = body.subarray(4);
    if (kind === 0) continue;
    else if (kind === 3) send("p", cString(password));
    else if (kind === 5) send("p", cString(md5Answer(user, password, rest)));
    else if (kind === 10) {
      const first = Buffer.from(scram.first);
      const size = Buffer.alloc(4);
      size.writeInt32BE(first.length, 0);
      send("p", Buffer.concat([cString("SCRAM-SHA-256"), size, first]));
    } else if (kind === 11) send("p", Buffer.from(scram.answer(rest.toString("utf8"))));
    else if (kind === 12) scram.check(rest.toString("utf8"));
    else {
      throw new HoldfastError(
        "database_error",
        "The server asks the replication role for a way to log in that Holdfast does not know",
      );
    }
  }
}

function md5Answer(user: string, password: string, salt: Uint8Array): string {
  const md5 = (...parts: (string | Uint8Array)[]) => {
    const hash = createHash("md5");
    for (const part of parts) hash.update(part);
    return hash.digest("hex");
  };
  return `md5${md5(md5(password, user), salt)}`;
}
