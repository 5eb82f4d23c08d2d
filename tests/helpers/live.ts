import assert from "node:assert/strict";
import { eventually } from "./eventually.ts";
import { createFrameCheck } from "./live_document.ts";

export interface LiveMessage {
  type: string;
  data: Record<string, unknown>;
  seq: number;
  ts: string;
  instance?: string;
  id?: string;
  cursor?: string;
}

let frameCheck: ReturnType<typeof createFrameCheck> | undefined;

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

/** Connects, with `query` as `cursor=…`; each frame that comes is checked against asyncapi.yaml. */
export async function connectLive(
  url: string,
  headers: Record<string, string> = {},
  query = "",
): Promise<LiveClient> {
  const check = frameCheck ??= createFrameCheck();
  const socket = new WebSocket(`${url.replace(/^http/, "ws")}/ws${query && `?${query}`}`, {
    headers,
  });
  const messages: LiveMessage[] = [];
  const wrong: string[] = [];
  const { promise: closed, resolve } = Promise.withResolvers<{ code: number; reason: string }>();
  socket.addEventListener("message", ({ data }) => {
    const message: LiveMessage = JSON.parse(data);
    wrong.push(...check.ofServer(message));
    messages.push(message);
  });
  socket.addEventListener("close", ({ code, reason }) => resolve({ code, reason }));
  const sees: LiveClient["sees"] = async (what, matches, deadlineMs) => {
    const seen = await eventually(() => messages.find(matches), what, deadlineMs);
    assert.deepEqual(wrong, [], "frames are as asyncapi.yaml says");
    return seen;
  };
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
      assert.deepEqual(wrong, [], "frames are as asyncapi.yaml says");
    },
  };
}
