import { type MessageType, messageTypes } from "./hub.ts";
import { readResume, type ResumeFrom } from "./resume.ts";

/** Largest client frame in bytes; larger ones close the socket with 1009. */
export const frameMax = 16 * 1024;

/** What a client asks for in one frame. */
export type ClientRequest =
  | { action: "subscribe"; types: readonly MessageType[]; replaces: boolean }
  | { action: "unsubscribe"; types: readonly MessageType[] }
  | { action: "ping" }
  | { action: "resume"; place: ResumeFrom };

/** Returns the bytes of a frame as the client sent it, text or binary. */
export function sizeOf(frame: unknown): number {
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

function parseObject(frame: unknown): Record<string, unknown> | string {
  if (typeof frame !== "string") return "frames must be text";
  let value: unknown;
  try {
    value = JSON.parse(frame);
  } catch {
    return "the frame is not JSON";
  }
  if (!value || typeof value !== "object" || Array.isArray(value)) {
    return "the frame must be a JSON object";
  }
  return value as Record<string, unknown>;
}

/** Parses a client's frame. Returns what is wrong with it as text. */
export function parseFrame(frame: unknown): ClientRequest | string {
  const given = parseObject(frame);
  if (typeof given === "string") return given;
  switch (given.action) {
    case "subscribe":
    case "unsubscribe": {
      const types = readTypes(given.types);
      if (!types) return `types must be among ${messageTypes.join(", ")}`;
      return given.action === "subscribe"
        ? { action: "subscribe", types, replaces: given.types !== undefined }
        : { action: "unsubscribe", types };
    }
    case "ping":
      return { action: "ping" };
    case "resume": {
      const place = readResume(given);
      return typeof place === "string" ? place : { action: "resume", place };
    }
    default:
      return "action must be subscribe, unsubscribe, ping or resume";
  }
}
