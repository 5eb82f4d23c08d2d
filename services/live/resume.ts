import type { Hub, Message } from "./hub.ts";

/** From where a client goes on: the last number it has of a stream, or the cursor of the last event it has of any. */
export interface ResumeFrom {
  seq?: number;
  /** Of the hello before `seq`; without it, this one. */
  stream?: string;
  cursor?: string;
}

const cursorForm = /^[1-9]\d{0,15}-[0-9a-f]{8}$/;
const wholeNumber = /^(0|[1-9]\d{0,15})$/;

/** Reads `seq`, `stream` and `cursor` of a frame; answers what is wrong with them as text. */
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

/** The same from the query of the request that opens the channel; undefined where it names no place. */
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

/** What a client that goes on from there has missed, in order; undefined where that is not known here. */
export function missedSince(hub: Hub, { seq, stream, cursor }: ResumeFrom): Message[] | undefined {
  const ofThisStream = seq !== undefined && (stream ?? hub.stream) === hub.stream;
  return (ofThisStream ? hub.since(seq) : undefined) ??
    (cursor === undefined ? undefined : hub.after(cursor));
}

/** Why a client cannot go on from there. */
export function whyNot(hub: Hub, { seq, stream, cursor }: ResumeFrom): string {
  if (cursor !== undefined) return `the event at ${cursor} is not kept`;
  if (stream !== undefined && stream !== hub.stream) {
    return "that stream is of another start or another instance; this one is in hello";
  }
  return `messages after ${seq} are no longer kept`;
}
