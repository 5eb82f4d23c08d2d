import { Buffer } from "node:buffer";
import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { ListenerFault, PlainAnswer } from "../types.ts";

/** How long a peer may take to read why it is refused. */
const lingerMs = 2_000;

const statuses: Record<ListenerFault, number> = {
  invalid_request: 400,
  method_not_allowed: 405,
  request_timeout: 408,
  target_too_long: 414,
  expectation_failed: 417,
  head_too_large: 431,
  internal: 500,
  too_many_connections: 503,
  deadline_exceeded: 504,
};

/** Says in plain text what is wrong. */
export function refusePlainly(fault: ListenerFault, detail: string): PlainAnswer {
  const headers = { "content-type": "text/plain; charset=utf-8" };
  return { status: statuses[fault], headers, body: `${detail}\n` };
}

/** Returns the fields of an answer that ends its connection, the usual ones where it has none of the name. */
export function closingFields(
  { headers, body }: PlainAnswer,
  usual: Readonly<Record<string, string>>,
): Record<string, string> {
  return {
    ...usual,
    ...headers,
    "content-length": String(Buffer.byteLength(body)),
    connection: "close",
    date: new Date().toUTCString(),
  };
}

/** Writes an answer on a connection that has no request to answer, and ends it. */
export function endWith(
  socket: Socket,
  answer: PlainAnswer,
  usual: Readonly<Record<string, string>>,
): void {
  if (!socket.writable) return void socket.destroy();
  const fields = Object.entries(closingFields(answer, usual));
  const head = fields.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const { status, body } = answer;
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${head}\r\n${body}`);
  destroyLater(socket);
}

/** Ends a connection whose peer does not: it has had time to read what was sent. */
export function destroyLater(socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  socket.once("close", () => clearTimeout(timer));
}
