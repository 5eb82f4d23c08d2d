const encoder = new TextEncoder();

/** The head of a handshake; `changes` replace headers, or leave them out with null. */
export function handshake(path = "/", changes: Record<string, string | null> = {}): string {
  const headers = {
    host: "127.0.0.1",
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    ...changes,
  };
  const lines = Object.entries(headers).filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${path} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

/** A masked frame of at most 125 bytes, as a client sends it; the mask is zero. */
function frame(opcode: number, bytes: Uint8Array): Uint8Array {
  return Uint8Array.of(0x80 | opcode, 0x80 | bytes.length, 0, 0, 0, 0, ...bytes);
}

export const textFrame = (text: string) => frame(1, encoder.encode(text));
export const closeFrame = () => frame(8, Uint8Array.of(0x03, 0xe8));

/** A WebSocket client without a library: it costs little, and sends what no library does. */
export class RawWebSocket {
  readonly #connection: Deno.Conn;
  readonly #buffer = new Uint8Array(16 * 1024);
  #text = "";

  private constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  static async connect(port: number): Promise<RawWebSocket> {
    return new RawWebSocket(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  async send(...parts: (string | Uint8Array)[]): Promise<void> {
    const bytes = Uint8Array.from(
      parts.flatMap((part) => [...(typeof part === "string" ? encoder.encode(part) : part)]),
    );
    for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
  }

  /** Reads until `part` has come; throws at the end of the connection. */
  async until(part: string): Promise<string> {
    while (!this.#text.includes(part)) {
      const read = await this.#connection.read(this.#buffer);
      if (read === null) throw new Error(`The connection ended after ${this.#text.slice(0, 300)}`);
      this.#text += new TextDecoder("latin1").decode(this.#buffer.subarray(0, read));
    }
    return this.#text;
  }

  /** Reads until the end of the connection. */
  async ended(): Promise<void> {
    try {
      while (await this.#connection.read(this.#buffer) !== null);
    } catch {
      // so abruptly
    }
  }

  close(): void {
    this.#connection.close();
  }
}
