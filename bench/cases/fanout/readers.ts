/// <reference lib="deno.worker" />

/** Requests to the worker: connect readers, connect clients that never read, or return the latencies of the readers. */
export type ReaderRequest =
  | { do: "read"; url: string; count: number }
  | { do: "stall"; port: number; count: number }
  | { do: "take" };

/** `latenciesMs` are from the time in each message to its arrival, of all readers since the last request. */
export type ReaderAnswer = { done: "connected" } | { done: "taken"; latenciesMs: number[] };

const now = () => performance.timeOrigin + performance.now();
let latenciesMs: number[] = [];
const stalled: Deno.Conn[] = [];

function read(url: string): Promise<void> {
  const socket = new WebSocket(url);
  socket.onmessage = ({ data }) => {
    const at = /"sent_at":([\d.]+)/.exec(data)?.[1];
    if (at !== undefined) latenciesMs.push(now() - Number(at));
  };
  return new Promise((resolve, reject) => {
    socket.onopen = () => resolve();
    socket.onerror = () => reject(new Error("A reader cannot connect"));
  });
}

async function stall(port: number): Promise<void> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const lines = [
    "GET /ws HTTP/1.1",
    "host: 127.0.0.1",
    "connection: Upgrade",
    "upgrade: websocket",
    "sec-websocket-version: 13",
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
  ];
  await connection.write(new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`));
  stalled.push(connection); // kept, so that it is not closed
}

async function answer(request: ReaderRequest): Promise<ReaderAnswer> {
  if (request.do === "take") {
    const taken = latenciesMs;
    latenciesMs = [];
    return { done: "taken", latenciesMs: taken };
  }
  for (let at = 0; at < request.count; at += 50) {
    const some = Array.from(
      { length: Math.min(50, request.count - at) },
      () => request.do === "read" ? read(request.url) : stall(request.port),
    );
    await Promise.all(some);
  }
  return { done: "connected" };
}

self.onmessage = async ({ data }: MessageEvent<ReaderRequest>) =>
  self.postMessage(await answer(data));
