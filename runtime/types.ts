/** What differs between the runtimes Holdfast runs on; everything else is web-standard or `node:`. */
export interface Runtime {
  name: "deno" | "bun";
  env(): Record<string, string | undefined>;
  args(): string[];
  /** Listens and answers; resolves once the port is bound. Throws the runtime's error when it is taken. */
  serve(options: ServeOptions): Promise<Listener>;
  /** Runs `job` on a five-field UTC schedule until `signal` aborts; runs never overlap. */
  cron(name: string, schedule: string, signal: AbortSignal, job: () => Promise<void>): void;
  /** Calls `handler` at each of `stopSignals`; returns what stops it. */
  onStopSignal(handler: (signal: string) => void): () => void;
  /** Takes an exclusive lock that ends with the process, or says who holds it. */
  lockFile(path: string, owner: string): Promise<FileLock | { heldBy: string }>;
  exit(code: number): never;
  memory(): { rss_bytes: number; heap_used_bytes: number };
}

/** What asks a process to stop: Ctrl-C, a service manager, and a terminal that closes. */
export const stopSignals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export type Bytes = Uint8Array<ArrayBuffer>;

/** Bytes of a body, asked for piece by piece. */
export interface ByteSource {
  /** Returns the next chunk; undefined at the end. Rejects when the sender disconnects before it. Call it once at a time. */
  next(): Promise<Bytes | undefined>;
  /** Ends a wait for the next piece, and wants no more. */
  cancel(): void;
}

/** A request whose body can be read without a stream around it. */
export interface SourcedRequest extends Request {
  source(): ByteSource;
}

/** Bounds of a listener; the times in milliseconds. */
export interface ListenerLimits {
  /** Longest time for the head of a request to come: from the connection's start, or from its own first byte. */
  headMs: number;
  /** Longest time that a connection is kept without a request, and that an answer waits for its reader. */
  idleMs: number;
  /** Longest time for a request in all, from the end of its head to the end of its answer. */
  requestMs: number;
  connectionsMax: number;
  connectionsPerAddressMax: number;
}

/** Why a listener refuses what it does not hand on; the codes are those of problems. */
export type ListenerFault =
  | "invalid_request"
  | "method_not_allowed"
  | "request_timeout"
  | "target_too_long"
  | "expectation_failed"
  | "head_too_large"
  | "too_many_connections"
  | "deadline_exceeded"
  | "internal";

/** An answer that needs no stream, for a connection that may have no request. */
export interface PlainAnswer {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: string;
}

/** Makes the answer to what a listener refuses. */
export type Refuse = (fault: ListenerFault, detail: string) => PlainAnswer;

export interface ServeOptions {
  host: string;
  port: number;
  /** Those left out have defaults. */
  limits?: Partial<ListenerLimits>;
  /** Without it, refusals say in plain text what is wrong. */
  refuse?: Refuse;
  /** What every answer carries, unless it has a header of the same (lower-case) name. */
  headers?: Readonly<Record<string, string>>;
  handle(request: Request, remote: string): Response | Promise<Response>;
}

export interface Listener {
  port: number;
  /** Stops accepting and waits for requests in flight. */
  stop(): Promise<void>;
}

export interface FileLock {
  release(): Promise<void>;
}

/** A request that has become a WebSocket; the socket is a web-standard one. */
export interface Upgraded {
  socket: WebSocket;
  response: Response;
  /** Ends the connection without the other side, where the runtime can: its `close` event follows. */
  cut?(): void;
}

/** Upgrades a request to a WebSocket; throws a TypeError that says why where the request does not ask for one. */
export type Upgrade = (request: Request) => Upgraded;
