import { Buffer } from "node:buffer";
import type { ServerResponse } from "node:http";

/** Content that is made whole before it is sent: JSON and pages. */
const whole = /json|html|yaml|^text\/plain/;

/** Returns the response's own headers, and the app's default headers of other names. */
function headOf(response: Response, usual: Readonly<Record<string, string>>): string[] {
  const head: string[] = [];
  response.headers.forEach((value, name) => head.push(name, value));
  for (const name in usual) {
    if (!head.includes(name)) head.push(name, usual[name] ?? "");
  }
  return head;
}

function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      outgoing.off("drain", done);
      outgoing.off("close", done);
      resolve();
    };
    outgoing.on("drain", done);
    outgoing.on("close", done);
  });
}

/** Sends a response. A stream is read no faster than the client reads, and is cancelled when the client disconnects. */
export async function sendResponse(
  response: Response,
  outgoing: ServerResponse,
  usual: Readonly<Record<string, string>> = {},
): Promise<void> {
  const head = headOf(response, usual);
  const encoded = response.headers.has("content-encoding");
  // Without a look at `body`, which would make a stream of the text.
  const text = !encoded && whole.test(response.headers.get("content-type") ?? "")
    ? await response.text()
    : "";
  if (text !== "") {
    if (!head.includes("content-length")) head.push("content-length", `${Buffer.byteLength(text)}`);
    outgoing.writeHead(response.status, head);
    outgoing.end(text); // text leaves in one piece with the head, bytes would not
    return;
  }
  outgoing.writeHead(response.status, head);
  if (!response.body || response.bodyUsed) {
    outgoing.end();
    return;
  }
  const reader = response.body.getReader();
  try {
    while (!outgoing.destroyed) {
      const { done, value } = await reader.read();
      if (done) break;
      if (!outgoing.write(value)) await drained(outgoing);
    }
    outgoing.end();
  } catch (error) {
    outgoing.destroy(); // the reader must not take what came for the whole
    throw error;
  } finally {
    reader.cancel().catch(() => {});
  }
}
