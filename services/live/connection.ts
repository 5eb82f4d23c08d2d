import type { Clock } from "../../lib/clock.ts";
import { endsWithin } from "../../lib/deadline.ts";
import { frameMax, parseFrame, sizeOf } from "./client_frame.ts";
import { type Hub, type Message, type MessageType, messageTypes, type Subscriber } from "./hub.ts";
import { missedSince, type ResumeFrom, whyNot } from "./resume.ts";

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
  /** Ends the subscription when the socket is closed or closing. */
  end(): void;
}

export interface LiveOptions {
  hub: Hub;
  clock: Clock;
  bufferMax: number;
  version: string;
  /** Resolves once this Holdfast has read the events that others stored, or cannot read them. */
  catchUp?: () => Promise<void>;
  /** Where a client resumes that was connected before. */
  from?: ResumeFrom | undefined;
}

/** Longest a client that resumes waits for events that this Holdfast has not read yet; milliseconds. */
const catchUpMs = 5_000;
const drainEveryMs = 250;

/** Shared by all clients that want every type, as most do. */
const none: ReadonlySet<MessageType> = new Set();

/**
 * Sends one client the messages of its types. Past `conflateAt` unsent bytes it keeps only the newest of each state, and
 * past `bufferMax` it closes the socket with 1013. A broadcast passes here once for each client: what is seldom needed is
 * made when it is, so that a client takes few lines of the processor's cache.
 */
class MessageSender {
  readonly #socket: LiveSocket;
  readonly #bufferMax: number;
  readonly #conflateAt: number;
  readonly #onOverflow: () => void;
  #refused = none;
  /** The newest of each state that a slow client has not got yet. */
  #pending: Map<MessageType, Message> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ended = false;

  constructor(socket: LiveSocket, bufferMax: number, onOverflow: () => void) {
    this.#socket = socket;
    this.#bufferMax = bufferMax;
    this.#conflateAt = bufferMax / 4;
    this.#onOverflow = onOverflow;
  }

  sendText(text: string): void {
    this.#sendUnless(this.#socket.bufferedAmount, text);
  }

  deliver(message: Message): void {
    if (this.#ended || this.#refused.has(message.type)) return;
    let unsent = this.#socket.bufferedAmount;
    // An alert is an event and must not be skipped; the others are states, of which the newest contains all.
    if (message.isState && unsent > this.#conflateAt) return this.#keep(message);
    if (this.#pending) {
      this.#sendEarlier(message);
      if (this.#ended) return;
      unsent = this.#socket.bufferedAmount;
    }
    this.#sendUnless(unsent, message.text);
  }

  /** Wants these types, besides those wanted already unless they replace them. */
  want(types: readonly MessageType[], replaces: boolean): void {
    const before = replaces ? messageTypes : this.#refused;
    this.#refused = new Set([...before].filter((type) => !types.includes(type)));
    for (const type of this.#refused) this.#pending?.delete(type);
  }

  drop(types: readonly MessageType[]): void {
    this.#refused = new Set([...this.#refused, ...types]);
    for (const type of types) this.#pending?.delete(type);
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }

  get ended(): boolean {
    return this.#ended;
  }

  #sendUnless(unsent: number, text: string): void {
    const socket = this.#socket;
    if (!socket.isOpen) return;
    if (unsent > this.#bufferMax) {
      this.#onOverflow();
      socket.close(1013, "reads too slowly");
      return;
    }
    socket.send(text);
  }

  #keepsNewer({ type, seq }: Message): boolean {
    return (this.#pending?.get(type)?.seq ?? -1) > seq;
  }

  /** Sends the states kept from before a message: a client that has its number never gets what is older. */
  #sendEarlier({ type, seq }: Message): void {
    const earlier = [...this.#pending?.values() ?? []].filter((kept) => kept.seq < seq)
      .sort((a, b) => a.seq - b.seq);
    for (const kept of earlier) {
      this.#pending?.delete(kept.type);
      if (kept.type !== type && !this.#ended) this.sendText(kept.text);
    }
  }

  #keep(message: Message): void {
    this.#pending ??= new Map();
    if (!this.#keepsNewer(message)) this.#pending.set(message.type, message);
    this.#timer ??= setTimeout(() => this.#drain(), drainEveryMs);
  }

  #drain(): void {
    this.#timer = undefined;
    if (this.#ended || !this.#socket.isOpen) return;
    if (this.#socket.bufferedAmount > this.#conflateAt) {
      this.#timer = setTimeout(() => this.#drain(), drainEveryMs);
      return;
    }
    const messages = [...this.#pending?.values() ?? []].sort((a, b) => a.seq - b.seq);
    this.#pending = undefined;
    for (const message of messages) this.sendText(message.text);
  }
}

/** One client's subscription: obeys its frames, and resumes where it was. */
class ClientConnection implements LiveConnection, Subscriber {
  readonly #socket: LiveSocket;
  readonly #options: LiveOptions;
  readonly #hub: Hub;
  readonly #sender: MessageSender;
  readonly #unsubscribe: () => void;
  /** While a resume waits for events of other Holdfasts: the number of the last message before it. */
  #heldSince: number | undefined;

  constructor(socket: LiveSocket, options: LiveOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#hub = options.hub;
    this.#sender = new MessageSender(socket, options.bufferMax, () => this.end());
    this.#unsubscribe = this.#hub.subscribe(this);
    this.#sendHello();
    if (options.from) this.#resume(options.from, true);
    else this.#sendLatest(messageTypes);
  }

  send(message: Message): void {
    // During a resume, events of the shared order come with those that were missed.
    if (this.#heldSince === undefined || message.cursor === undefined) {
      this.#sender.deliver(message);
    }
  }

  missed(): void {
    this.#sendError(
      "events_missed",
      "events were missed and are no longer kept: read what holds by the API",
    );
  }

  receive(frame: unknown): void {
    if (this.#sender.ended) return;
    if (sizeOf(frame) > frameMax) {
      this.end();
      this.#socket.close(1009, "frame too large");
      return;
    }
    const request = parseFrame(frame);
    if (typeof request === "string") return this.#refuse(request);
    switch (request.action) {
      case "subscribe":
        this.#sender.want(request.types, request.replaces);
        return this.#sendLatest(request.types);
      case "unsubscribe":
        return this.#sender.drop(request.types);
      case "ping":
        return this.#sendFrame("pong", {});
      case "resume":
        if (this.#heldSince !== undefined) return this.#refuse("a resume is under way");
        return this.#resume(request.place, false);
    }
  }

  end(): void {
    this.#sender.end();
    this.#unsubscribe();
  }

  #sendFrame(type: string, data: unknown): void {
    const ts = this.#options.clock.now().toISOString();
    this.#sender.sendText(JSON.stringify({ type, data, seq: this.#hub.seq, ts }));
  }

  #sendError(code: string, message: string): void {
    this.#sendFrame("error", { code, message });
  }

  #refuse(message: string): void {
    this.#sendError("bad_frame", message);
  }

  #sendHello(): void {
    const { seq, stream, instance, cursor } = this.#hub;
    this.#sendFrame("hello", {
      version: this.#options.version,
      types: messageTypes,
      seq,
      stream,
      instance,
      ...(cursor === undefined ? {} : { cursor }),
    });
  }

  #sendAll(messages: readonly Message[]): void {
    for (const message of messages) this.#sender.deliver(message);
  }

  #sendLatest(types: readonly MessageType[]): void {
    this.#sendAll(this.#hub.latest().filter(({ type }) => types.includes(type)));
  }

  #resume(place: ResumeFrom, isNew: boolean): void {
    const missed = missedSince(this.#hub, place);
    if (missed) return this.#goOn(place, missed, isNew);
    if (place.cursor !== undefined) return void this.#resumeLater(place, isNew);
    this.#sendError("cannot_resume", whyNot(this.#hub, place));
    if (isNew) this.#sendLatest(messageTypes);
  }

  /** Resumes once this Holdfast has read the events that another one may have sent. */
  async #resumeLater(place: ResumeFrom, isNew: boolean): Promise<void> {
    const { catchUp = () => Promise.resolve() } = this.#options;
    const since = this.#heldSince = this.#hub.seq;
    await endsWithin(catchUp().catch(() => {}), catchUpMs);
    this.#heldSince = undefined;
    if (this.#sender.ended) return;
    const missed = missedSince(this.#hub, place);
    if (missed) return this.#goOn(place, missed, isNew);
    this.#sendError("cannot_resume", whyNot(this.#hub, place));
    if (isNew) return this.#sendLatest(messageTypes);
    const heldBack = this.#hub.since(since);
    if (heldBack) this.#sendAll(heldBack.filter(({ cursor }) => cursor !== undefined));
    else this.missed();
  }

  #goOn({ stream }: ResumeFrom, missed: readonly Message[], isNew: boolean): void {
    // The figures that the client has are another Holdfast's.
    if (isNew && stream !== this.#hub.stream) this.#sendLatest(["database_performance"]);
    this.#sendAll(missed);
  }
}

/**
 * Serves one WebSocket client: hello, then the latest of each type or what it missed since `from`, then what is published.
 * A client that reads slowly gets only the newest of each state; past `bufferMax` unsent bytes it is closed with 1013.
 */
export function serveLive(socket: LiveSocket, options: LiveOptions): LiveConnection {
  return new ClientConnection(socket, options);
}
