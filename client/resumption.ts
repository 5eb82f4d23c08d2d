/**
 * A position in the numbering of one stream; numbers of different streams are not comparable. `cursor` is the position of
 * the last event in the order that all instances on one database share.
 */
export interface Position {
  stream: string;
  seq: number;
  cursor?: string;
}

/** A frame of the server, as docs/websocket.md describes it. */
export interface Frame {
  type: string;
  data: Record<string, unknown>;
  seq: number;
  ts: string;
  id?: string;
  cursor?: string;
}

/** The frames of a client. */
export type ClientFrame =
  | { action: "subscribe"; types: readonly string[] }
  | { action: "resume"; stream: string; seq: number; cursor?: string }
  | { action: "ping" };

export interface Delivery {
  kind: "message";
  frame: Frame;
  stream: string;
}

/** Messages may be missing between `after` and what follows. */
export interface Gap {
  kind: "gap";
  reason: "cannot_resume" | "queue_full";
  after: Position | undefined;
  detail: string;
}

/** The effect of a frame: frames to send, events to deliver, and whether the server refused a request. */
export interface Step {
  send: ClientFrame[];
  out: (Delivery | Gap)[];
  /** Set when the connection is complete and all missed messages have arrived. */
  connected?: { resumed: boolean };
  refused?: string;
}

const heldMax = 4_096;
/** Ids of the last events, as many as a server keeps. */
const idsMax = 4_096;

/**
 * Follows one live channel over many connections, without I/O. After each `hello` it requests missed messages. It holds new
 * messages until the answer to the ping after that request, so that all are delivered once and in order. Within a type
 * numbers only grow, even when the server conflates messages: a message that is not newer was already delivered. After a
 * restart, or at another instance on the same database, it continues after its last cursor, and skips the events it has.
 */
export class LiveState {
  #position: Position | undefined;
  /** The stream of the present connection; undefined before `hello`. */
  #stream: string | undefined;
  #newest = new Map<string, number>();
  readonly #ids = new Set<string>();
  #held: Frame[] | undefined;
  #gap: Gap | undefined;
  readonly #types: readonly string[] | undefined;
  readonly #since: Position | undefined;

  constructor(
    { types, since }: {
      types?: readonly string[] | undefined;
      since?: Position | undefined;
    },
  ) {
    this.#types = types;
    this.#since = since;
    this.#position = since;
  }

  get position(): Position | undefined {
    return this.#position;
  }

  /** Resets the state of the connection; held messages are requested again. */
  disconnect(): void {
    this.#stream = undefined;
    this.#held = undefined;
    this.#gap = undefined;
  }

  receive(frame: Frame): Step {
    if (this.#stream === undefined) {
      return frame.type === "hello" ? this.#greet(frame) : { send: [], out: [] };
    }
    switch (frame.type) {
      case "hello":
        return { send: [], out: [] };
      case "pong":
        return this.#held ? this.#release(true) : { send: [], out: [] };
      case "error":
        return this.#refuse(frame);
    }
    if (this.#types && !this.#types.includes(frame.type)) {
      return { send: [], out: [] };
    }
    if (!this.#held) return { send: [], out: this.#deliver([frame]) };
    this.#held.push(frame);
    return this.#held.length > heldMax ? this.#release(true) : { send: [], out: [] };
  }

  #greet({ data, seq }: Frame): Step {
    const stream = typeof data.stream === "string" ? data.stream : "";
    this.#stream = stream;
    const send: ClientFrame[] = this.#types ? [{ action: "subscribe", types: this.#types }] : [];
    const after = this.#position;
    if (!after) {
      this.#position = { stream, seq, ...cursorIn(data) };
      return { send, out: [], connected: { resumed: false } };
    }
    this.#held = [];
    send.push({ action: "resume", ...after }, { action: "ping" });
    return { send, out: [] };
  }

  #refuse({ data }: Frame): Step {
    const detail = String(data.message ?? data.code);
    if (data.code !== "cannot_resume") {
      return { send: [], out: [], refused: detail };
    }
    this.#gap = {
      kind: "gap",
      reason: "cannot_resume",
      after: this.#position,
      detail,
    };
    return { send: [], out: [] };
  }

  #release(connected: boolean): Step {
    const held = this.#held ?? [];
    this.#held = undefined;
    const gap = this.#gap;
    this.#gap = undefined;
    const stream = this.#stream ?? "";
    if (this.#position?.stream !== stream) {
      this.#newest.clear();
      this.#position = { stream, seq: 0, ...cursorIn(this.#position) };
    }
    const out = [
      ...(gap ? [gap] : []),
      ...this.#deliver(held.sort((a, b) => a.seq - b.seq)),
    ];
    return {
      send: [],
      out,
      ...(connected ? { connected: { resumed: !gap } } : {}),
    };
  }

  #deliver(frames: Frame[]): Delivery[] {
    const stream = this.#stream ?? "";
    const known = this.#since?.stream === stream ? this.#since.seq : 0;
    return frames.flatMap((frame): Delivery[] => {
      if (frame.seq <= Math.max(known, this.#newest.get(frame.type) ?? 0)) {
        return [];
      }
      this.#newest.set(frame.type, frame.seq);
      this.#position = {
        stream,
        seq: Math.max(frame.seq, this.#position?.seq ?? 0),
        ...cursorIn(this.#position),
        ...cursorIn(frame),
      };
      return this.#isNew(frame) ? [{ kind: "message", frame, stream }] : [];
    });
  }

  /** Says whether this event did not come before, also under another number. */
  #isNew({ id }: Frame): boolean {
    if (id === undefined) return true;
    if (this.#ids.has(id)) return false;
    this.#ids.add(id);
    const [oldest] = this.#ids;
    if (this.#ids.size > idsMax && oldest !== undefined) this.#ids.delete(oldest);
    return true;
  }
}

function cursorIn(of: { cursor?: unknown } | undefined): { cursor?: string } {
  return typeof of?.cursor === "string" ? { cursor: of.cursor } : {};
}
