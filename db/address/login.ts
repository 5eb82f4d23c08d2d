import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { Socket } from "node:net";
import { HoldfastError } from "../../errors.ts";
import { createScram } from "../backups/scram.ts";
import {
  createMessageCutter,
  cString,
  readFields,
  type WireMessage,
  writeMessage,
} from "../backups/wire.ts";

/** What goes back and forth on a socket, message by message. */
export interface Wire {
  send(type: string, body: Uint8Array): void;
  /** Returns the next message. Throws the server's error, with its SQLSTATE as `code`, and when the server hangs up. */
  next(): Promise<WireMessage>;
}

export function openWire(socket: Socket, signal?: AbortSignal): Wire {
  const messages = readMessages(socket);
  return {
    send: (type, body) => void socket.write(writeMessage(type, body)),
    async next() {
      const { value, done } = await messages.next();
      if (signal?.aborted) throw signal.reason;
      if (done) {
        throw Object.assign(new Error("The server closed the session"), {
          code: "CONNECTION_CLOSED",
        });
      }
      if (value.type === "E") throw serverError(value.body);
      return value;
    },
  };
}

async function* readMessages(socket: Socket): AsyncGenerator<WireMessage> {
  const cutter = createMessageCutter();
  for await (const bytes of socket) yield* cutter.feed(bytes as Uint8Array);
}

/** Returns an ErrorResponse as an error, with its SQLSTATE as `code`. */
export function serverError(body: Buffer): Error {
  const { C: code = "", M: message = "", S, V } = readFields(body);
  // V is S untranslated.
  return Object.assign(new Error(message), { code, severity: V ?? S ?? "" });
}

/** Logs in with these startup parameters; returns what the server reports of itself and of the session. */
export async function login(
  { send, next }: Wire,
  { password, startup }: { password: string; startup: Record<string, string> },
): Promise<Map<string, string>> {
  const protocol = Buffer.alloc(4);
  protocol.writeInt32BE(196608, 0);
  send(
    "",
    Buffer.concat([protocol, ...Object.entries(startup).flat().map(cString), Buffer.alloc(1)]),
  );
  const scram = createScram(password);
  const reported = new Map<string, string>();
  for (;;) {
    const { type, body } = await next();
    if (type === "Z") return reported;
    if (type === "S") {
      const [name = "", value = ""] = body.toString("utf8").split("\0");
      reported.set(name, value);
    }
    if (type !== "R") continue;
    const kind = body.readInt32BE(0);
    const rest = body.subarray(4);
    if (kind === 0) continue;
    else if (kind === 3) send("p", cString(password));
    else if (kind === 5) send("p", cString(md5Answer(startup.user ?? "", password, rest)));
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
        "The server asks the role for a way to log in that Holdfast does not know",
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
