/** A place in the numbering of a Holdfast: numbers of one stream say nothing of another. */
export interface Position {
  stream: string;
  seq: number;
}

/** A frame of the server, as docs/websocket.md describes it. */
export interface Frame {
  type: string;
  data: Record<string, unknown>;
  seq: number;
  ts: string;
}

/** What a client may send. */
export type ClientFrame =
  | { action: "subscribe"; types: readonly string[] }
  | { action: "resume"; stream: string; seq: number }
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

/** What a frame comes to: frames to send, what to hand on, and whether the server refused what was sent. */
export interface Step {
  send: ClientFrame[];
  out: (Delivery | Gap)[];
  /** True once the connection stands and nothing is missing that will come. */
  connected?: { resumed: boolean };
  refused?: string;
}

const heldMax = 4_096;

/**
 * Follows one live channel over many connections, without I/O: what was missed is asked for after each `hello`, and
 * until the answer to the ping behind that request has come, new messages are held, so that they come in order and once.
 * Within a type numbers only grow, whatever the server conflates: what is not newer has been seen.
 */
export class LiveState {
  #position: Position | undefined;
  /** The stream of the present connection; until `hello`, none. */
  #stream: string | undefined;
  #newest = new Map<string, number>();
  #held: Frame[] | undefined;
  #gap: Gap | undefined;
  readonly #types: readonly string[] | undefined;

  constructor(
    { types, since }: {
      types?: readonly string[] | undefined;
      since?: Position | undefined;
    },
  ) {
    this.#types = types;
    this.#position = since;
  }

  get position(): Position | undefined {
    return this.#position;
  }

  /** Forgets the connection; what it held comes again. */
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
      this.#position = { stream, seq };
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
      this.#position = { stream, seq: 0 };
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
    return frames.flatMap((frame): Delivery[] => {
      if (frame.seq <= (this.#newest.get(frame.type) ?? 0)) return [];
      this.#newest.set(frame.type, frame.seq);
      this.#position = {
        stream,
        seq: Math.max(frame.seq, this.#position?.seq ?? 0),
      };
      return [{ kind: "message", frame, stream }];
    });
  }
}
