import { type Context, Hono } from "hono";
import { type Asset, readAssets } from "./assets.ts";
import type { AppEnv } from "../common/shared.ts";

/** The pages of the browser's own router; each is answered with the same shell. */
export const pagePaths = [
  "/",
  "/alerts",
  "/alerts/:id",
  "/databases",
  "/incidents",
  "/incidents/:id",
  "/activity",
  "/statements",
  "/statements/:id",
  "/history",
  "/storage",
  "/replication",
  "/partitions",
  "/partitions/:table",
  "/backups",
  "/market",
  "/feeds",
  "/quarantine",
  "/benchmarks",
  "/rules",
  "/settings",
] as const;

const yearSeconds = 31_536_000;

function accepts(header: string | undefined, coding: string): boolean {
  const part = (header ?? "").toLowerCase().split(",").map((one) => one.trim())
    .find((one) => one === coding || one.startsWith(`${coding};`));
  return part !== undefined && !/;\s*q=0(\.0*)?$/.test(part);
}

function answer(c: Context<AppEnv>, asset: Asset, caching: string): Response {
  const gzip = accepts(c.req.header("accept-encoding"), "gzip");
  // A tag names one representation: the compressed one has its own.
  const etag = gzip ? asset.etag.replace(/"$/, '-gzip"') : asset.etag;
  const headers: Record<string, string> = {
    etag,
    "cache-control": caching,
    "content-type": asset.type,
    vary: "accept-encoding",
  };
  const known = (c.req.header("if-none-match") ?? "").split(",").map((one) => one.trim());
  if (known.includes(etag)) return new Response(null, { status: 304, headers });
  if (gzip) headers["content-encoding"] = "gzip";
  return new Response(gzip ? asset.gzip() : asset.plain, { headers });
}

/** The dashboard, the API reference, the runbook and the login page; no other host is asked for anything. */
export function pageRoutes(): Hono<AppEnv> {
  const router = new Hono<AppEnv>();
  const { version, assets } = readAssets();
  const shell = (file: string) => (c: Context<AppEnv>) => {
    const asset = assets.get(file);
    return asset ? answer(c, asset, "no-cache") : c.notFound();
  };
  for (const path of pagePaths) router.get(path, shell("index.html"));
  // The pages of one of several databases: the browser takes the name from the address.
  router.get("/databases/:name", shell("index.html"));
  router.get("/databases/:name/:page{.*}", shell("index.html"));
  router.get("/docs", shell("docs.html"));
  router.get("/docs/runbook", shell("runbook.html"));
  router.get("/login", shell("login.html"));
  router.get("/assets/report.css", shell("report.css"));
  // A page of an older version finds none of its modules here, and loads itself anew.
  router.get("/assets/:version/:name{.+}", (c) => {
    const asset = c.req.param("version") === version ? assets.get(c.req.param("name")) : undefined;
    return asset ? answer(c, asset, `public, max-age=${yearSeconds}, immutable`) : c.notFound();
  });
  return router;
}
