import type { Clock } from "./clock.ts";

/** What goes out on the WebSocket: the message types of the live channel. */
export const messageTypes = [
  "database_performance",
  "performance_alert",
  "partition_status",
  "performance_benchmark",
  "backup_status",
] as const;
export type MessageType = (typeof messageTypes)[number];

/** One message, serialised once for all clients. */
export interface Message {
  type: MessageType;
  seq: number;
  text: string;
}

export interface Subscriber {
  send(message: Message): void;
}

/** What services use to tell the world. */
export interface Publisher {
  publish(type: MessageType, data: unknown): Message;
}

export interface Hub extends Publisher {
  subscribe(subscriber: Subscriber): () => void;
  /** The last message of each type, oldest first: what a new client gets at once. */
  latest(): Message[];
  /** Messages after `seq` in order, or undefined when they are no longer all kept. */
  since(seq: number): Message[] | undefined;
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

/** Serialises, numbers and remembers messages, and hands each to every subscriber. */
export function createHub(
  { clock, instance = "holdfast" }: { clock: Clock; instance?: string },
): Hub {
  let seq = 0;
  const stream = crypto.randomUUID();
  const subscribers = new Set<Subscriber>();
  const latest = new Map<MessageType, Message>();
  const history: Message[] = [];
  return {
    publish(type, data) {
      const number = ++seq;
      const text = JSON.stringify({ type, data, seq: number, ts: clock.now().toISOString() });
      const message = { type, seq: number, text };
      latest.set(type, message);
      history.push(message);
      if (history.length > kept) history.shift();
      for (const subscriber of subscribers) subscriber.send(message);
      return message;
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
