/** How an arm of the comparison is started: by the command, or within the process of a Holdfast. */
export interface ArmServer {
  name: string;
  port: number;
  path: string;
  pid: number;
  stop(): Promise<void>;
}

/** When the last of a client's sockets had a message, and how many had it, by the message's `ts`. */
export interface Delivery {
  ts: number;
  last: number;
  sockets: number;
}

/** What a client process prints at its end. */
export interface ClientReport {
  bytes: number;
  deliveries: Delivery[];
  /** The first message whole, for the others to send the same. */
  sample: string;
}

/** What every arm sends, and when. */
export const broadcast = { type: "database_performance", everyMs: 1_000 };

/** A message like `sample`, sent now. */
export function stampOf(sample: string): () => string {
  const { ts } = JSON.parse(sample);
  const [before = "", after = ""] = sample.split(JSON.stringify(ts));
  return () => `${before}${JSON.stringify(new Date().toISOString())}${after}`;
}
