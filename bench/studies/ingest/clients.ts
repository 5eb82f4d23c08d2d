const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Returns one upload as the bytes of an HTTP request, created before the timed part. */
export function requestBytes(
  { path, type, body, key, encoding }: {
    path: string;
    type: string;
    body: Uint8Array;
    key?: string;
    encoding?: string;
  },
): Uint8Array {
  const head = encoder.encode(
    `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\n` +
      (key === undefined ? "" : `idempotency-key: ${key}\r\n`) +
      (encoding === undefined ? "" : `content-encoding: ${encoding}\r\n`) + "\r\n",
  );
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  bytes.set(body, head.length);
  return bytes;
}

export interface Client {
  /** Sends one upload and returns the number of accepted ticks; throws when the status is not 200. */
  send(request: Uint8Array): Promise<number>;
  close(): void;
}

/** Opens a client with one connection and minimal HTTP, because fetch would use a large share of the two cores. */
export async function openClient(port: number): Promise<Client> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  connection.setNoDelay(true);
  const buffer = new Uint8Array(16 * 1024);

  async function readAnswer(): Promise<string> {
    let text = "";
    for (;;) {
      const read = await connection.read(buffer);
      if (read === null) throw new Error(`The server closed the connection: ${text}`);
      text += decoder.decode(buffer.subarray(0, read));
      const end = text.indexOf("\r\n\r\n");
      const length = /content-length: (\d+)/i.exec(text)?.[1];
      if (end >= 0 && length !== undefined && text.length >= end + 4 + Number(length)) return text;
    }
  }

  return {
    async send(request) {
      const answer = readAnswer();
      for (let at = 0; at < request.length;) at += await connection.write(request.subarray(at));
      const text = await answer;
      const accepted = /"accepted":(\d+)/.exec(text)?.[1];
      if (!text.startsWith("HTTP/1.1 200") || accepted === undefined) throw new Error(text);
      return Number(accepted);
    },
    close: () => connection.close(),
  };
}

/** Sends every request once with concurrent clients; returns the number of accepted ticks. */
export async function sendAll(
  port: number,
  requests: readonly Uint8Array[],
  clients: number,
): Promise<number> {
  let next = 0;
  const accepted = await Promise.all(
    Array.from({ length: clients }, async () => {
      const client = await openClient(port);
      let sum = 0;
      for (let at = next++; at < requests.length; at = next++) {
        sum += await client.send(requests[at]!);
      }
      client.close();
      return sum;
    }),
  );
  return accepted.reduce((sum, one) => sum + one, 0);
}
