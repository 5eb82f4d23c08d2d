import type { Hub, Message } from "./hub.ts";

/** Where a client resumes: after the last number it has of a stream, or after the cursor of its last event. */
export interface ResumeFrom {
  seq?: number;
  /** Of the hello before `seq`; without it, this one. */
  stream?: string;
  cursor?: string;
}

const cursorForm = /^[1-9]\d{0,15}-[0-9a-f]{8}$/;
const wholeNumber = /^(0|[1-9]\d{0,15})$/;

/** Parses `seq`, `stream` and `cursor` of a frame. Returns what is wrong with them as text. */
export function readResume(given: Record<string, unknown>): ResumeFrom | string {
  const { seq, stream, cursor } = given;
  if (seq === undefined && cursor === undefined) {
    return "resume needs seq, a whole number, or cursor, as events carry it";
  }
  if (seq !== undefined && !(typeof seq === "number" && Number.isSafeInteger(seq) && seq >= 0)) {
    return "resume needs seq, a whole number";
  }
  if (stream !== undefined && typeof stream !== "string") return "stream must be text, as in hello";
  if (cursor !== undefined && !(typeof cursor === "string" && cursorForm.test(cursor))) {
    return "cursor must be text, as events carry it";
  }
  return {
    ...(seq === undefined ? {} : { seq }),
    ...(stream === undefined ? {} : { stream }),
    ...(cursor === undefined ? {} : { cursor }),
  };
}

/** Parses the same from the query of the request that opens the channel; undefined where it has none. */
export function readResumeQuery(query: URLSearchParams): ResumeFrom | string | undefined {
  const [seq, stream, cursor] = ["seq", "stream", "cursor"].map((name) =>
    query.get(name) ?? undefined
  );
  if (seq === undefined && cursor === undefined) return undefined;
  return readResume({
    seq: seq !== undefined && wholeNumber.test(seq) ? Number(seq) : seq,
    stream,
    cursor,
  });
}

/**
 * Returns the messages that a client has missed since then, in order; undefined where they are not known here. Its number may
 * be older than its cursor: figures that are sent first to a client from elsewhere have the number they were published under.
 */
export function missedSince(hub: Hub, { seq, stream, cursor }: ResumeFrom): Message[] | undefined {
  const ofThisStream = seq !== undefined && (stream ?? hub.stream) === hub.stream;
  const bySeq = ofThisStream ? hub.since(seq) : undefined;
  const byCursor = cursor === undefined ? undefined : hub.after(cursor);
  if (!bySeq || !byCursor) return bySeq ?? byCursor;
  const events = new Set(byCursor);
  return bySeq.filter((message) => message.cursor === undefined || events.has(message));
}

/** Returns why a client cannot resume from there. */
export function whyNot(hub: Hub, { seq, stream, cursor }: ResumeFrom): string {
  if (cursor !== undefined) return `the event at ${cursor} is not kept`;
  if (stream !== undefined && stream !== hub.stream) {
    return "that stream is of another start or another instance; this one is in hello";
  }
  if (seq !== undefined && seq > hub.seq) return `${seq} was never sent; the last is ${hub.seq}`;
  return `messages after ${seq} are no longer kept`;
}
