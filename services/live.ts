import type { Clock } from "./clock.ts";
import { type Hub, type Message, type MessageType, messageTypes } from "./hub.ts";

/** Largest client frame in bytes; larger ones close the socket with 1009. */
export const frameMax = 16 * 1024;

/** What a live connection needs of its socket. */
export interface LiveSocket {
  send(text: string): void;
  close(code: number, reason: string): void;
  /** Bytes accepted for sending and not sent yet. */
  readonly bufferedAmount: number;
  readonly isOpen: boolean;
}

export interface LiveConnection {
  /** Handles one frame of the client. */
  receive(frame: unknown): void;
  /** Ends the subscription; the socket is gone or going. */
  end(): void;
}

/** Bytes of a frame as the client sent it, text or binary. */
function sizeOf(frame: unknown): number {
  // No UTF-16 unit is more than three bytes of UTF-8: a short text need not be encoded to be measured.
  if (typeof frame === "string") {
    return frame.length * 3 <= frameMax ? frame.length : new TextEncoder().encode(frame).length;
  }
  if (frame instanceof Blob) return frame.size;
  return frame instanceof ArrayBuffer ? frame.byteLength : 0;
}

const isType = (value: unknown): value is MessageType =>
  (messageTypes as readonly unknown[]).includes(value);

/**
 * Serves one WebSocket client: hello and the latest of each type, then what is published. A client that reads
 * slowly gets only the newest of each state type; past `bufferMax` unsent bytes it is closed with 1013.
 */
export function serveLive(
  socket: LiveSocket,
  { hub, clock, bufferMax, version }: {
    hub: Hub;
    clock: Clock;
    bufferMax: number;
    version: string;
  },
): LiveConnection {
  const wanted = new Set<MessageType>(messageTypes);
  const pending = new Map<MessageType, Message>();
  const conflateAt = bufferMax / 4;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let ended = false;

  const frame = (type: string, data: unknown) =>
    JSON.stringify({ type, data, seq: hub.seq, ts: clock.now().toISOString() });

  function sendText(text: string): void {
    if (!socket.isOpen) return;
    if (socket.bufferedAmount > bufferMax) {
      end();
      socket.close(1013, "reads too slowly");
      return;
    }
    socket.send(text);
  }

  function drain(): void {
    timer = undefined;
    if (ended || !socket.isOpen) return;
    if (socket.bufferedAmount > conflateAt) {
      timer = setTimeout(drain, 250);
      return;
    }
    const messages = [...pending.values()].sort((a, b) => a.seq - b.seq);
    pending.clear();
    for (const message of messages) sendText(message.text);
  }

  function deliver(message: Message): void {
    if (!wanted.has(message.type)) return;
    // An alert is an event and must not be skipped; the others are states, of which the newest says it all.
    if (message.type !== "performance_alert" && socket.bufferedAmount > conflateAt) {
      pending.set(message.type, message);
      timer ??= setTimeout(drain, 250);
      return;
    }
    sendText(message.text);
  }

  function end(): void {
    ended = true;
    clearTimeout(timer);
    unsubscribe();
  }

  function refuse(message: string): void {
    sendText(frame("error", { code: "bad_frame", message }));
  }

  function readTypes(value: unknown): MessageType[] | undefined {
    if (value === undefined) return [...messageTypes];
    return Array.isArray(value) && value.every(isType) ? value : undefined;
  }

  function resume({ seq, stream }: Record<string, unknown>): void {
    if (stream !== undefined && stream !== hub.stream) {
      return void sendText(
        frame("error", {
          code: "cannot_resume",
          message: "that stream is of another start or another instance; this one is in hello",
        }),
      );
    }
    if (typeof seq !== "number" || !Number.isSafeInteger(seq) || seq < 0) {
      return refuse("resume needs seq, a whole number");
    }
    const missed = hub.since(seq);
    if (!missed) {
      sendText(
        frame("error", {
          code: "cannot_resume",
          message: `messages after ${seq} are no longer kept`,
        }),
      );
      return;
    }
    for (const message of missed) deliver(message);
  }

  function obey(request: Record<string, unknown>): void {
    const types = readTypes(request.types);
    switch (request.action) {
      case "subscribe":
        if (!types) return refuse(`types must be among ${messageTypes.join(", ")}`);
        if (request.types !== undefined) wanted.clear();
        for (const type of types) wanted.add(type);
        for (const message of hub.latest()) if (types.includes(message.type)) deliver(message);
        return;
      case "unsubscribe":
        if (!types) return refuse(`types must be among ${messageTypes.join(", ")}`);
        for (const type of types) wanted.delete(type);
        return;
      case "ping":
        return sendText(frame("pong", {}));
      case "resume":
        return resume(request);
      default:
        return refuse("action must be subscribe, unsubscribe, ping or resume");
    }
  }

  const unsubscribe = hub.subscribe({ send: deliver });
  sendText(frame("hello", {
    version,
    types: messageTypes,
    seq: hub.seq,
    stream: hub.stream,
    instance: hub.instance,
  }));
  for (const message of hub.latest()) deliver(message);

  return {
    receive(data) {
      if (ended) return;
      if (sizeOf(data) > frameMax) {
        end();
        socket.close(1009, "frame too large");
        return;
      }
      if (typeof data !== "string") return refuse("frames must be text");
      let request: unknown;
      try {
        request = JSON.parse(data);
      } catch {
        return refuse("the frame is not JSON");
      }
      if (!request || typeof request !== "object" || Array.isArray(request)) {
        return refuse("the frame must be a JSON object");
      }
      obey(request as Record<string, unknown>);
    },
    end,
  };
}
