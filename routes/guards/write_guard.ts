import { createMiddleware } from "hono/factory";
import { HoldfastError } from "../../errors.ts";
import { refusal, type WriteAccess } from "../../services/monitor/write_access/access.ts";
import type { AppEnv } from "../common/shared.ts";

/** Requests that change something and write nothing to the database, or keep in memory what they would write. */
const withoutWrites = [
  /^\/api\/(session|tokens)(\/|$)/,
  /^\/api\/alerts\/silences(\/|$)/,
  /^\/api\/alerts\/[^/]+\/acknowledge$/,
  /^\/api\/alerts\/channels\/[^/]+\/test$/,
  /^\/api\/alerts\/rehearse$/,
  /^\/api\/locks\//,
  /^\/api\/partitions\/plan$/,
];

/** What is read from Holdfast's tables; all else comes from the server's own views, from memory, or from files. */
const fromTables =
  /^\/api\/(ticks|candles|instruments|quarantine|exactness|partitions|benchmarks|operations|audit|rehearsals)(\/|$)/;

const reads = new Set(["GET", "HEAD", "OPTIONS"]);

/** Refuses what cannot be done on a server that takes no writes, with the reason, before anything is tried. */
export function writeGuard(access: Pick<WriteAccess, "state">) {
  return createMiddleware<AppEnv>((c, next) => {
    const state = access.state();
    if (state.mode === "writing") return next();
    const { path, method } = c.req;
    // On a full disk an upload is tried: some still fit.
    const refused = !reads.has(method) && state.cause !== "disk_full" &&
      !withoutWrites.some((pattern) => pattern.test(path));
    if (refused) throw refusal(state);
    if (!state.schema && fromTables.test(path)) {
      throw new HoldfastError(
        "database_read_only",
        `Holdfast's tables are not on this server, and cannot be made: ${state.reason}. They come from its primary once a Holdfast of this version has been started there`,
        { retryAfterSeconds: 30 },
      );
    }
    return next();
  });
}
