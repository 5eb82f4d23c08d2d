import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../common/shared.ts";
import { gzipTag } from "./etag.ts";

const compress = promisify(gzip);
/** Less fits into one packet anyway. */
const bytesMin = 1_400;
/** More is for programs, which may ask for pages. */
const bytesMax = 8 * 1024 * 1024;
const level = 4;

/**
 * Compresses JSON for pages in a browser, which say of themselves that they fetch (`sec-fetch-mode`). Programs get
 * plain bytes: most are on the same machine, where compression costs more than it saves.
 */
export function compression(): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    await next();
    const { headers, status } = c.res;
    const wanted = c.req.header("sec-fetch-mode") !== undefined &&
      /(^|,)\s*gzip\s*(;|,|$)/.test(c.req.header("accept-encoding") ?? "");
    const whole = c.req.method === "GET" && status === 200 && !headers.has("content-encoding") &&
      headers.get("content-type")?.startsWith("application/json");
    if (!wanted || !whole) return;
    const plain = new Uint8Array(await c.res.arrayBuffer());
    const small = plain.length >= bytesMin && plain.length <= bytesMax;
    const body = small ? new Uint8Array(await compress(plain, { level })) : plain;
    const head = new Headers(headers);
    head.delete("content-length");
    head.set("vary", "accept-encoding, sec-fetch-mode");
    if (small) {
      head.set("content-encoding", "gzip");
      const tag = headers.get("etag");
      if (tag) head.set("etag", gzipTag(tag));
    }
    c.res = undefined;
    c.res = new Response(body, { status, headers: head });
  };
}
