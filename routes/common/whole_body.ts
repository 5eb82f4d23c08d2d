import type { Context, MiddlewareHandler } from "hono";
import { HoldfastError } from "../../errors.ts";
import { bodySource } from "../../services/ingest/parse/body.ts";
import { createAlarms } from "../../services/ingest/admission/alarms.ts";
import { hasBody } from "../guards/request_guard.ts";
import type { AppEnv } from "./shared.ts";

export interface BodyLimits {
  maxBytes: number;
  /** Longest pause between two chunks; milliseconds. */
  stallMs: number;
  /** Longest time for the whole body; milliseconds. */
  totalMs: number;
}

const tooLarge = (maxBytes: number) =>
  new HoldfastError("body_too_large", `The body is larger than ${maxBytes} bytes`);

/**
 * Reads the body of a request whole, within its limits, before anything else is done for it. Throws `body_too_large`, and
 * `upload_stalled` for one that takes too long; uploads of ticks are not for it: they are streamed, with limits of their own.
 */
export function wholeBody(
  { maxBytes, stallMs, totalMs }: BodyLimits,
  isStreamed: (c: Context<AppEnv>) => boolean,
): MiddlewareHandler<AppEnv> {
  const alarms = createAlarms();

  async function read(request: Request): Promise<Uint8Array<ArrayBuffer>> {
    const source = bodySource(request);
    const started = performance.now();
    const parts: Uint8Array<ArrayBuffer>[] = [];
    let bytes = 0;
    let late: string | undefined;
    for (;;) {
      const left = totalMs - (performance.now() - started);
      const cancel = alarms.set(Math.min(stallMs, left), () => {
        late = left < stallMs
          ? `The body did not end within ${totalMs / 1000} s`
          : `No bytes of the body came for ${stallMs / 1000} s`;
        source.cancel();
      });
      const chunk = await source.next().catch((cause) => {
        throw new HoldfastError("upload_stalled", late ?? "The body broke off before its end", {
          cause,
        });
      }).finally(cancel);
      if (late !== undefined) throw new HoldfastError("upload_stalled", late);
      if (!chunk) break;
      bytes += chunk.length;
      if (bytes > maxBytes) {
        source.cancel();
        throw tooLarge(maxBytes);
      }
      parts.push(chunk);
    }
    const body = new Uint8Array(bytes);
    let at = 0;
    for (const part of parts) {
      body.set(part, at);
      at += part.length;
    }
    return body;
  }

  async function replaceBody(c: Context<AppEnv>): Promise<void> {
    if (c.req.method === "GET" || c.req.method === "HEAD") {
      const message = `a ${c.req.method} request takes no body`;
      throw new HoldfastError("invalid_request", `Cannot read the body: ${message}`, {
        problems: [{ path: "body", message }],
      });
    }
    if (Number(c.req.header("content-length") ?? 0) > maxBytes) throw tooLarge(maxBytes);
    const { url, method, headers: sent, signal } = c.req.raw;
    const body = await read(c.req.raw);
    // From here on it is known how long it is: an empty one in chunks is none.
    const headers = new Headers(sent);
    headers.delete("transfer-encoding");
    headers.set("content-length", String(body.length));
    c.req.raw = new Request(url, { method, headers, signal, body: body.length > 0 ? body : null });
  }

  return (c, next) => isStreamed(c) || !hasBody(c) ? next() : replaceBody(c).then(() => next());
}
