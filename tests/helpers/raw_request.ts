const encoder = new TextEncoder();

/** A request written byte by byte, for what no HTTP client sends. */
export interface RawRequest {
  send(text: string): Promise<void>;
  /** All that the server sends until it closes. */
  answer: Promise<string>;
}

/** Opens a connection to `url` and sends `head`. */
export async function beginRequest(url: string, head: string): Promise<RawRequest> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(url).port) });
  const send = async (text: string) => {
    await connection.write(encoder.encode(text));
  };
  const readAll = async () => {
    const decoder = new TextDecoder();
    const buffer = new Uint8Array(16 * 1024);
    let text = "";
    try {
      for (;;) {
        const read = await connection.read(buffer);
        if (read === null) return text;
        text += decoder.decode(buffer.subarray(0, read), { stream: true });
      }
    } catch (error) {
      if (text === "") throw error;
      return text;
    } finally {
      connection.close();
    }
  };
  await send(head);
  return { send, answer: readAll() };
}
