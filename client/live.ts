import {
  type Delivery,
  type Frame,
  type Gap,
  LiveState,
  type Position,
  type Step,
} from "./resumption.ts";
import { HoldfastProblem, problemOf } from "./problem.ts";
import { BoundedQueue } from "./queue.ts";
import { delay, waitOf } from "./retry.ts";
import type { components } from "./schema.ts";

type Schemas = components["schemas"];

/** The data of each type of message. */
export interface LiveData {
  database_performance: {
    connection_pool: Schemas["ConnectionPool"];
    performance_metrics: Schemas["DatabasePerformanceMetrics"];
    partition_health: Schemas["PartitionHealthMetrics"];
    overall_status: Schemas["Status"];
  };
  performance_alert: Schemas["Alert"] & { change?: string };
  partition_status: Record<string, unknown>;
  performance_benchmark: Record<string, unknown>;
  backup_status: {
    backup: Schemas["Backup"] | null;
    health: Schemas["BackupHealth"];
  };
  rehearsal_status: Record<string, unknown>;
}

export type LiveType = keyof LiveData;

/** A message with its position, from which a later `live({ since })` can continue. */
export type LiveMessage = {
  [Type in LiveType]: {
    kind: "message";
    type: Type;
    data: LiveData[Type];
    stream: string;
    seq: number;
    ts: string;
  };
}[LiveType];

export type LiveEvent = LiveMessage | Gap;

/** The state of the connection, for display and logs; not needed to read events. */
export type LiveConnectionState =
  | { state: "connected"; resumed: boolean }
  | { state: "disconnected"; code: number; reason: string; retryInMs: number };

export interface LiveOptions {
  /** Only these types; all by default. */
  types?: readonly LiveType[];
  /** Where to continue: the `stream` and `seq` of the last message received. */
  since?: Position;
  signal?: AbortSignal;
  /** Most events that wait for a slow reader. Beyond it older states are dropped, then the oldest events with a gap in their place. */
  queueMax?: number;
  /** The first and the longest wait before connecting again; milliseconds. */
  backoff?: { baseMs?: number; maxMs?: number };
  /** Interval of pings; a connection without an answer for two intervals is closed. Milliseconds. */
  pingMs?: number;
  onState?: (state: LiveConnectionState) => void;
  /** Opens a socket; with the global WebSocket by default. */
  connect?: (url: string) => WebSocket;
  /** Returns a number from 0 to 1 for the jitter. */
  random?: () => number;
}

/** The events of the live channel for one reader. */
export interface Live extends AsyncIterable<LiveEvent> {
  /** Returns the next event; undefined after the end. */
  next(): Promise<LiveEvent | undefined>;
  /** The position of the last message received, for a later `since`. */
  readonly position: Position | undefined;
  close(): void;
}

interface Endpoint {
  baseUrl: string;
  headers: Record<string, string>;
  fetch: (request: Request) => Promise<Response>;
}

const events: ReadonlySet<string> = new Set<LiveType>(["performance_alert"]);

/** Reads a frame from the socket; undefined when it is not one of the channel. */
function frameOf(text: unknown): Frame | undefined {
  try {
    const frame = JSON.parse(String(text));
    const fits = typeof frame?.type === "string" && Number.isInteger(frame.seq) &&
      typeof frame.data === "object" && frame.data !== null;
    return fits ? frame : undefined;
  } catch {
    return undefined;
  }
}

function eventOf(item: Delivery | Gap): LiveEvent {
  if (item.kind === "gap") return item;
  const { stream, frame: { type, data, seq, ts } } = item;
  return {
    kind: "message",
    type,
    data,
    stream,
    seq,
    ts,
  } as unknown as LiveMessage;
}

/** Drops one item: an older state with a newer one of its type, else the oldest event, which a gap replaces. */
function dropOne(items: LiveEvent[], incoming: LiveEvent): void {
  const newer = new Set(incoming.kind === "message" ? [incoming.type] : []);
  for (let at = items.length - 1; at >= 0; at--) {
    const item = items[at];
    if (item?.kind !== "message") continue;
    if (newer.has(item.type) && !events.has(item.type)) {
      return void items.splice(at, 1);
    }
    newer.add(item.type);
  }
  const lost = items.findIndex(({ kind }) => kind === "message");
  const dropped = items[lost];
  if (dropped?.kind !== "message") return void items.shift();
  const before = items[lost - 1];
  const hasGap = before?.kind === "gap";
  const gap: Gap = {
    kind: "gap",
    reason: "queue_full",
    after: { stream: dropped.stream, seq: dropped.seq - 1 },
    detail: "the reader is too slow: events were dropped",
  };
  items.splice(lost, 1, ...(hasGap ? [] : [gap]));
  // The new gap takes the place of the dropped event, so drop another one.
  if (!hasGap) dropOne(items, incoming);
}

/** Opens a WebSocket. Browsers cannot send headers; there the cookie of the session authenticates. */
function connectTo(url: string, headers: Record<string, string>): WebSocket {
  if (Object.keys(headers).length === 0) return new WebSocket(url);
  const WithHeaders = WebSocket as unknown as new (
    url: string,
    options: { headers: Record<string, string> },
  ) => WebSocket;
  return new WithHeaders(url, { headers });
}

/** Returns why the server refuses the connection, when another attempt would fail too. */
async function whyRefused(
  { baseUrl, headers, fetch }: Endpoint,
  signal: AbortSignal,
) {
  const url = `${baseUrl.replace(/\/+$/, "")}/ws`;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(10_000)]);
  try {
    const response = await fetch(new Request(url, { headers, signal: limit }));
    const problem = problemOf(response, await response.text());
    return problem.status === 401 || problem.status === 403 ||
        problem.status === 404
      ? problem
      : undefined;
  } catch {
    return undefined; // unreachable: another attempt may succeed
  }
}

/** Connects, and reconnects after each loss, until the signal aborts. */
export function openLive(endpoint: Endpoint, options: LiveOptions): Live {
  const {
    types,
    since,
    signal,
    queueMax = 1_024,
    pingMs = 20_000,
    onState,
    random = Math.random,
  } = options;
  const backoff = { baseMs: 500, maxMs: 30_000, ...options.backoff, random };
  const ended = new AbortController();
  const ending = signal ? AbortSignal.any([signal, ended.signal]) : ended.signal;
  const state = new LiveState({ types, since });
  const queue = new BoundedQueue<LiveEvent>(queueMax, dropOne);
  const url = `${endpoint.baseUrl.replace(/\/+$/, "").replace(/^http/, "ws")}/ws`;
  const connect = options.connect ??
    ((to: string) => connectTo(to, endpoint.headers));

  /** Follows one connection from opening to its end. */
  function follow(): Promise<
    { opened: boolean; code: number; reason: string }
  > {
    return new Promise((resolve, reject) => {
      const socket = connect(url);
      let opened = false;
      let answered = true;
      const finish = (code: number, reason: string) => {
        clearInterval(beat);
        ending.removeEventListener("abort", leave);
        state.disconnect();
        resolve({ opened, code, reason });
      };
      const giveUp = (reason: string) => {
        finish(1006, reason);
        socket.close();
      };
      const beat = setInterval(() => {
        if (!answered) return giveUp("the server did not answer the ping");
        answered = false;
        if (socket.readyState === WebSocket.OPEN) {
          socket.send('{"action":"ping"}');
        }
      }, pingMs);
      const leave = () => giveUp("closed by the client");
      ending.addEventListener("abort", leave);
      const take = ({ send, out, connected, refused }: Step) => {
        for (const frame of send) socket.send(JSON.stringify(frame));
        for (const item of out) queue.push(eventOf(item));
        if (connected) onState?.({ state: "connected", ...connected });
        if (refused !== undefined) {
          reject(
            new HoldfastProblem(
              "invalid_request",
              `The live channel refused: ${refused}`,
            ),
          );
          leave();
        }
      };
      socket.addEventListener("message", ({ data }) => {
        if (ending.aborted) return;
        const frame = frameOf(data);
        if (!frame) return giveUp("what came is no frame of the live channel");
        answered = opened = true;
        take(state.receive(frame));
      });
      socket.addEventListener(
        "close",
        ({ code, reason }) => finish(code, reason),
      );
      socket.addEventListener("error", () => {
        // Some runtimes report a failed handshake only by this event.
        if (socket.readyState !== WebSocket.OPEN) {
          finish(1006, "the connection failed");
        }
      });
    });
  }

  async function run(): Promise<void> {
    for (let failures = 0;; failures++) {
      ending.throwIfAborted();
      const { opened, code, reason } = await follow();
      ending.throwIfAborted();
      if (opened) failures = 0;
      else {
        const problem = await whyRefused(endpoint, ending);
        if (problem) throw problem;
      }
      const retryInMs = waitOf(failures, undefined, backoff);
      onState?.({ state: "disconnected", code, reason, retryInMs });
      await delay(retryInMs, ending);
    }
  }

  run().catch((error) => queue.end(ended.signal.aborted ? undefined : error));
  const close = () => ended.abort();
  return {
    next: () => queue.pull(),
    get position() {
      return state.position;
    },
    close,
    async *[Symbol.asyncIterator]() {
      try {
        for (
          let event = await queue.pull();
          event;
          event = await queue.pull()
        ) yield event;
      } finally {
        close();
      }
    },
  };
}
