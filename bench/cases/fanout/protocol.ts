/** The running server of an arm. */
export interface ArmServer {
  name: string;
  port: number;
  path: string;
  pid: number;
  stop(): Promise<void>;
}

/** When the last socket of a client received the message with this `ts`, and how many received it. */
export interface Delivery {
  ts: number;
  last: number;
  sockets: number;
}

/** What a client process prints at its end. */
export interface ClientReport {
  bytes: number;
  deliveries: Delivery[];
  /** The first message, so that the other arms send the same. */
  sample: string;
}

/** The type and interval of the messages of every arm. */
export const broadcast = { type: "database_performance", everyMs: 1_000 };

/** Returns a function that creates a message like `sample` with the present time. */
export function stampOf(sample: string): () => string {
  const { ts } = JSON.parse(sample);
  const [before = "", after = ""] = sample.split(JSON.stringify(ts));
  return () => `${before}${JSON.stringify(new Date().toISOString())}${after}`;
}
