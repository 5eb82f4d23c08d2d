export interface RawAnswer {
  status: number;
  headers: Headers;
  body: { code?: string; accepted?: number; replayed?: boolean; detail?: string };
}

/** An upload whose bytes are sent when the test says so. */
export interface SlowUpload {
  send(text: string): Promise<void>;
  /** Sends `text` again and again, until the upload ends. */
  trickle(text: () => string, everyMs: number): void;
  /** Ends the body, and answers what came back. */
  finish(): Promise<RawAnswer>;
  /** Goes away in the middle of the body. */
  vanish(): void;
  /** Settles when the server has answered, finished or not; rejects when it closed without an answer. */
  answer: Promise<RawAnswer>;
  isAnswered(): boolean;
}

const encoder = new TextEncoder();

async function readAnswer(connection: Deno.Conn): Promise<RawAnswer> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(16 * 1024);
  let text = "";
  for (;;) {
    const read = await connection.read(buffer);
    if (read === null) throw new Error(`The connection was closed after ${JSON.stringify(text)}`);
    text += decoder.decode(buffer.subarray(0, read), { stream: true });
    const end = text.indexOf("\r\n\r\n");
    if (end < 0) continue;
    const [line = "", ...fields] = text.slice(0, end).split("\r\n");
    const headers = new Headers(fields.map((field): [string, string] => {
      const colon = field.indexOf(":");
      return [field.slice(0, colon), field.slice(colon + 1).trim()];
    }));
    const body = text.slice(end + 4);
    if (encoder.encode(body).length < Number(headers.get("content-length"))) continue;
    return { status: Number(line.split(" ")[1]), headers, body: JSON.parse(body) };
  }
}

/** Begins an upload of NDJSON in chunks, over a connection of its own. */
export async function beginUpload(
  url: string,
  { key, type = "application/x-ndjson" }: { key?: string; type?: string } = {},
): Promise<SlowUpload> {
  const { hostname, port } = new URL(url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const timers: ReturnType<typeof setInterval>[] = [];
  let answered = false;
  const write = async (text: string) => {
    let bytes = encoder.encode(text);
    while (bytes.length > 0) bytes = bytes.subarray(await connection.write(bytes));
  };
  const close = () => {
    for (const timer of timers) clearInterval(timer);
    try {
      connection.close();
    } catch {
      // it is closed
    }
  };
  await write(
    `POST /api/ticks?create=true HTTP/1.1\r\nhost: ${hostname}:${port}\r\n` +
      `content-type: ${type}\r\n` + "transfer-encoding: chunked\r\n" +
      (key === undefined ? "" : `idempotency-key: ${key}\r\n`) + "\r\n",
  );
  const answer = readAnswer(connection).finally(() => {
    answered = true;
    close();
  });
  answer.catch(() => {}); // told to whoever asks for it
  const send = async (text: string) => {
    const { length } = encoder.encode(text);
    await write(`${length.toString(16)}\r\n${text}\r\n`);
  };
  return {
    send,
    trickle(text, everyMs) {
      timers.push(setInterval(() => void send(text()).catch(() => {}), everyMs));
    },
    async finish() {
      for (const timer of timers) clearInterval(timer);
      await write("0\r\n\r\n");
      return await answer;
    },
    vanish: close,
    answer,
    isAnswered: () => answered,
  };
}
