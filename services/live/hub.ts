import type { Clock } from "../../lib/clock.ts";

/** The message types of the live channel. */
export const messageTypes = [
  "database_performance",
  "performance_alert",
  "partition_status",
  "performance_benchmark",
  "backup_status",
  "rehearsal_status",
] as const;
export type MessageType = (typeof messageTypes)[number];

/** One message, serialised once for all clients. */
export interface Message {
  type: MessageType;
  seq: number;
  text: string;
  /** Whether it is a state: a newer one of its type replaces it, and a slow client gets only the newest. */
  isState: boolean;
  /** Position of an event in the order that all Holdfasts on the database share. */
  cursor?: string;
}

export interface Subscriber {
  send(message: Message): void;
  /** Called when events of other Holdfasts are lost: they were no longer kept when this one could read them. */
  missed?(): void;
}

/** The topic whose state an event reports. An event with the topic and digest of the last one is not sent again. */
export interface Subject {
  topic: string;
  digest: string;
}

/** Publishes events of the services. */
export interface Publisher {
  publish(type: MessageType, data: unknown, subject?: Subject): void;
}

/** A message without its number. */
export interface Frame {
  type: MessageType;
  /** JSON. */
  data: string;
  ts: string;
  /** The Holdfast that made it. */
  instance: string;
  id?: string;
  cursor?: string;
}

/** Which clients get a message: all, those that resume, or only those that resume from another Holdfast. */
export type Reach = "all" | "resuming" | "from elsewhere";

export interface Hub extends Publisher {
  /** Numbers, remembers and sends what may come from another Holdfast. */
  emit(frame: Frame, reach?: Reach): void;
  subscribe(subscriber: Subscriber): () => void;
  /** The last message of each type, oldest first: what a new client gets at once. */
  latest(): Message[];
  /** Messages after `seq` in order, or undefined when they are no longer all kept. */
  since(seq: number): Message[] | undefined;
  /** Events after the one at `cursor` in order, or undefined when that one is not kept. */
  after(cursor: string): Message[] | undefined;
  /** The cursor of the last event. */
  readonly cursor: string | undefined;
  /** Drops the events of the shared order, and notifies all clients that some were lost. */
  lose(): void;
  /** The number of the last message. */
  readonly seq: number;
  /** Names this numbering: another start counts anew, under another name. */
  readonly stream: string;
  /** Names this Holdfast among those on the same database. */
  readonly instance: string;
  /** How many subscribe just now. */
  readonly subscribers: number;
}

const kept = 512;
/** Events of the shared order kept for clients that come from another Holdfast, and the characters of all. */
export const eventsKept = 2_000;
const eventCharactersMax = 16 * 1024 * 1024;
/** What a hub keeps where the process has hundreds: about an hour of states, and the events of a busy day. */
export const furtherCharactersMax = 512 * 1024;

/** Returns whether a message is a state. Alerts and results of benchmarks are events: each counts. */
function isStateFrame({ type, data }: Frame): boolean {
  if (type === "performance_alert") return false;
  if (type !== "performance_benchmark") return true;
  const value: unknown = JSON.parse(data);
  return typeof value === "object" && value !== null && "state" in value &&
    value.state === "progress";
}

/** Numbers and remembers messages, and hands each to every subscriber. */
export function createHub(
  { clock, instance = "holdfast", database = "default", charactersMax = eventCharactersMax }: {
    clock: Clock;
    instance?: string;
    /** Name of the database that all messages are of. */
    database?: string;
    /** The length of all messages kept, and of all events; a client that resumes from before them gets a gap. */
    charactersMax?: number;
  },
): Hub {
  let seq = 0;
  const stream = crypto.randomUUID();
  const subscribers = new Set<Subscriber>();
  const latest = new Map<MessageType, Message>();
  const history: Message[] = [];
  const events: Message[] = [];
  let historyCharacters = 0;
  let eventCharacters = 0;

  function rememberEvent(message: Message): void {
    events.push(message);
    eventCharacters += message.text.length;
    while (events.length > eventsKept || eventCharacters > charactersMax) {
      eventCharacters -= events.shift()?.text.length ?? 0;
    }
  }

  function remember(message: Message): void {
    history.push(message);
    historyCharacters += message.text.length;
    while (history.length > kept || historyCharacters > charactersMax) {
      historyCharacters -= history.shift()?.text.length ?? 0;
    }
  }

  function emit(frame: Frame, reach: Reach = "all"): void {
    const { type, data, ts, id, cursor } = frame;
    const number = ++seq;
    const tail = [
      `"seq":${number}`,
      `"ts":"${ts}"`,
      `"instance":${JSON.stringify(frame.instance)}`,
      `"database":${JSON.stringify(database)}`,
      ...(id === undefined ? [] : [`"id":"${id}"`]),
      ...(cursor === undefined ? [] : [`"cursor":"${cursor}"`]),
    ];
    const message: Message = {
      type,
      seq: number,
      text: `{"type":"${type}","data":${data},${tail.join(",")}}`,
      isState: isStateFrame(frame),
      ...(cursor === undefined ? {} : { cursor }),
    };
    if (cursor !== undefined) rememberEvent(message);
    if (reach === "from elsewhere") return;
    remember(message);
    if (reach === "resuming") return;
    latest.set(type, message);
    for (const subscriber of subscribers) subscriber.send(message);
  }

  return {
    emit,
    publish(type, data) {
      emit({
        type,
        data: JSON.stringify(data) ?? "null",
        ts: clock.now().toISOString(),
        instance,
      });
    },
    subscribe(subscriber) {
      subscribers.add(subscriber);
      return () => subscribers.delete(subscriber);
    },
    latest: () => [...latest.values()].sort((a, b) => a.seq - b.seq),
    since(after) {
      if (after > seq) return undefined;
      const oldest = history[0]?.seq ?? seq + 1;
      return after + 1 >= oldest ? history.filter((message) => message.seq > after) : undefined;
    },
    after(cursor) {
      const at = events.findLastIndex((one) => one.cursor === cursor);
      return at < 0 ? undefined : events.slice(at + 1);
    },
    get cursor() {
      return events.at(-1)?.cursor;
    },
    lose() {
      events.length = 0;
      eventCharacters = 0;
      for (const subscriber of subscribers) subscriber.missed?.();
    },
    get seq() {
      return seq;
    },
    stream,
    instance,
    get subscribers() {
      return subscribers.size;
    },
  };
}
