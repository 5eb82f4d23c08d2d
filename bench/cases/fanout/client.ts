import { broadcast, type ClientReport, type Delivery } from "./protocol.ts";

/** Opens `count` sockets, prints that they are open, and after `messages` broadcasts prints when each had reached the last socket. */
async function main([url = "", count = "0", messages = "0"]: string[]): Promise<ClientReport> {
  const found = new Map<number, Delivery>();
  const enough = Promise.withResolvers<void>();
  let text = "";
  let current: Delivery | undefined;
  let sample = "";

  /** Parses the text once, because every socket receives the same. */
  function deliveryOf(data: string): Delivery | undefined {
    if (data === text) return current;
    text = data;
    const { type, ts } = JSON.parse(data);
    if (type !== broadcast.type) return current = undefined;
    sample ||= data;
    const at = Date.parse(ts);
    current = found.get(at) ?? { ts: at, last: 0, sockets: 0 };
    found.set(at, current);
    return current;
  }

  function receive({ data }: MessageEvent<string>): void {
    const delivery = deliveryOf(data);
    if (!delivery) return;
    delivery.last = Date.now();
    delivery.sockets++;
    if (found.size > Number(messages) && delivery.sockets === Number(count)) enough.resolve();
  }

  const sockets: WebSocket[] = [];
  const open = () =>
    new Promise<void>((resolve, reject) => {
      const socket = new WebSocket(url);
      socket.onopen = () => resolve();
      socket.onerror = (event) =>
        reject(new Error(`A socket failed: ${(event as ErrorEvent).message}`));
      socket.onmessage = receive;
      sockets.push(socket);
    });
  const connecting = async () => {
    while (sockets.length < Number(count)) await open();
  };
  await Promise.all(Array.from({ length: 50 }, connecting));
  console.log("connected");
  // Counts only once all sockets are open.
  await new Promise<void>((resolve) => Deno.stdin.read(new Uint8Array(1)).then(() => resolve()));
  found.clear();
  text = "";
  await enough.promise;
  for (const socket of sockets) {
    socket.onerror = () => {};
    socket.close();
  }
  // The last message may not have reached other processes yet.
  const deliveries = [...found.values()].slice(0, Number(messages));
  return { bytes: sample.length, deliveries, sample };
}

if (import.meta.main) {
  console.log(JSON.stringify(await main(Deno.args)));
  Deno.exit(0);
}
