import { eventually } from "./eventually.ts";

export interface LiveMessage {
  type: string;
  data: Record<string, unknown>;
  seq: number;
  ts: string;
}

/** A client of the live channel, on a real WebSocket. */
export interface LiveClient {
  messages: LiveMessage[];
  /** The next (or an earlier) message that `matches`. */
  sees(
    what: string,
    matches: (message: LiveMessage) => boolean,
    deadlineMs?: number,
  ): Promise<LiveMessage>;
  send(frame: unknown): void;
  /** Sends `frame` and answers the first message that comes after it and `matches`. */
  ask(frame: unknown, type: string): Promise<LiveMessage>;
  closed: Promise<{ code: number; reason: string }>;
  close(): Promise<void>;
}

export async function connectLive(
  url: string,
  headers: Record<string, string> = {},
): Promise<LiveClient> {
  const socket = new WebSocket(`${url.replace(/^http/, "ws")}/ws`, { headers });
  const messages: LiveMessage[] = [];
  const { promise: closed, resolve } = Promise.withResolvers<{ code: number; reason: string }>();
  socket.addEventListener("message", ({ data }) => messages.push(JSON.parse(data)));
  socket.addEventListener("close", ({ code, reason }) => resolve({ code, reason }));
  const sees: LiveClient["sees"] = (what, matches, deadlineMs) =>
    eventually(() => messages.find(matches), what, deadlineMs);
  const send = (frame: unknown) =>
    socket.send(
      typeof frame === "string" || frame instanceof Uint8Array
        ? frame as string
        : JSON.stringify(frame),
    );
  await eventually(() => socket.readyState === WebSocket.OPEN, "the socket opens");
  return {
    messages,
    sees,
    send,
    async ask(frame, type) {
      const before = messages.length;
      send(frame);
      return await eventually(
        () => messages.slice(before).find((message) => message.type === type),
        `an answer of type ${type}`,
      );
    },
    closed,
    async close() {
      socket.close();
      await closed;
    },
  };
}
