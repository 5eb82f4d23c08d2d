import type { Clock } from "../../lib/clock.ts";
import { type Hub, type Message, type MessageType, messageTypes } from "./hub.ts";
import { missedSince, readResume, type ResumeFrom, whyNot } from "./resume.ts";
import { endsWithin } from "../../lib/deadline.ts";

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

export interface LiveOptions {
  hub: Hub;
  clock: Clock;
  bufferMax: number;
  version: string;
  /** Resolves once this Holdfast has the events that others stored, or cannot know of them. */
  catchUp?: () => Promise<void>;
  /** Where a client goes on that was connected before. */
  from?: ResumeFrom | undefined;
}

/** Longest a client that resumes waits for events that this Holdfast has not read yet; milliseconds. */
const catchUpMs = 5_000;
const drainEveryMs = 250;

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

function readTypes(value: unknown): MessageType[] | undefined {
  if (value === undefined) return [...messageTypes];
  return Array.isArray(value) && value.every(isType) ? value : undefined;
}

/**
 * Serves one WebSocket client: hello, then the latest of each type or what it missed since `from`, then what is published.
 * A client that reads slowly gets only the newest of each state; past `bufferMax` unsent bytes it is closed with 1013.
 */
export function serveLive(
  socket: LiveSocket,
  { hub, clock, bufferMax, version, catchUp = () => Promise.resolve(), from }: LiveOptions,
): LiveConnection {
  const wanted = new Set<MessageType>(messageTypes);
  const pending = new Map<MessageType, Message>();
  const conflateAt = bufferMax / 4;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let ended = false;
  /** While it is being found out where the client goes on: the number of the last message before that. */
  let held: number | undefined;

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
      timer = setTimeout(drain, drainEveryMs);
      return;
    }
    const messages = [...pending.values()].sort((a, b) => a.seq - b.seq);
    pending.clear();
    for (const message of messages) sendText(message.text);
  }

  function deliver(message: Message): void {
    if (ended || !wanted.has(message.type)) return;
    // An alert is an event and must not be skipped; the others are states, of which the newest says it all.
    const newer = (pending.get(message.type)?.seq ?? -1) > message.seq;
    if (message.isState && socket.bufferedAmount > conflateAt) {
      if (!newer) pending.set(message.type, message);
      timer ??= setTimeout(drain, drainEveryMs);
      return;
    }
    if (!newer) pending.delete(message.type);
    sendText(message.text);
  }

  function end(): void {
    ended = true;
    clearTimeout(timer);
    unsubscribe();
  }

  const sendError = (code: string, message: string) => sendText(frame("error", { code, message }));
  const refuse = (message: string) => sendError("bad_frame", message);

  const sayMissed = () =>
    sendError(
      "events_missed",
      "events were missed and are no longer kept: read what holds by the API",
    );

  function sendAll(messages: readonly Message[]): void {
    for (const message of messages) deliver(message);
  }

  function sendLatest(types: readonly MessageType[]): void {
    for (const message of hub.latest()) if (types.includes(message.type)) deliver(message);
  }

  function goOn({ stream }: ResumeFrom, missed: readonly Message[], isNew: boolean): void {
    // The figures that the client has are another Holdfast's.
    if (isNew && stream !== hub.stream) sendLatest(["database_performance"]);
    sendAll(missed);
  }

  /** Another Holdfast may have sent events that this one has still to read. */
  async function resumeLater(place: ResumeFrom, isNew: boolean): Promise<void> {
    const since = held = hub.seq;
    await endsWithin(catchUp().catch(() => {}), catchUpMs);
    held = undefined;
    if (ended) return;
    const missed = missedSince(hub, place);
    if (missed) return goOn(place, missed, isNew);
    sendError("cannot_resume", whyNot(hub, place));
    if (isNew) return sendLatest(messageTypes);
    const heldBack = hub.since(since);
    if (heldBack) sendAll(heldBack.filter(({ cursor }) => cursor !== undefined));
    else sayMissed();
  }

  function resume(place: ResumeFrom, isNew: boolean): void {
    const missed = missedSince(hub, place);
    if (missed) return goOn(place, missed, isNew);
    if (place.cursor !== undefined) return void resumeLater(place, isNew);
    sendError("cannot_resume", whyNot(hub, place));
    if (isNew) sendLatest(messageTypes);
  }

  function obey(request: Record<string, unknown>): void {
    const types = readTypes(request.types);
    switch (request.action) {
      case "subscribe":
        if (!types) return refuse(`types must be among ${messageTypes.join(", ")}`);
        if (request.types !== undefined) wanted.clear();
        for (const type of types) wanted.add(type);
        return sendLatest(types);
      case "unsubscribe":
        if (!types) return refuse(`types must be among ${messageTypes.join(", ")}`);
        for (const type of types) {
          wanted.delete(type);
          pending.delete(type);
        }
        return;
      case "ping":
        return sendText(frame("pong", {}));
      case "resume": {
        const place = readResume(request);
        if (typeof place === "string") return refuse(place);
        return held === undefined ? resume(place, false) : refuse("a resume is under way");
      }
      default:
        return refuse("action must be subscribe, unsubscribe, ping or resume");
    }
  }

  const unsubscribe = hub.subscribe({
    send(message) {
      // Those of the shared order come with what was missed.
      if (held === undefined || message.cursor === undefined) deliver(message);
    },
    missed: sayMissed,
  });
  sendText(frame("hello", {
    version,
    types: messageTypes,
    seq: hub.seq,
    stream: hub.stream,
    instance: hub.instance,
    ...(hub.cursor === undefined ? {} : { cursor: hub.cursor }),
  }));
  if (from) resume(from, true);
  else sendLatest(messageTypes);

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
