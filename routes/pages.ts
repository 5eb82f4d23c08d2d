import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { Hono } from "hono";
import swaggerBundle from "swagger-ui-dist/swagger-ui-bundle.js" with { type: "text" };
import swaggerCss from "swagger-ui-dist/swagger-ui.css" with { type: "text" };
import uplotCss from "uplot/dist/uPlot.min.css" with { type: "text" };
import uplot from "uplot/dist/uPlot.esm.js" with { type: "text" };
import type { AppEnv } from "./shared.ts";

const types: Record<string, string> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

interface Asset {
  body: string;
  type: string;
  etag: string;
}

function assetOf(name: string, body: string): Asset {
  const etag = `"${createHash("sha256").update(body).digest("hex").slice(0, 16)}"`;
  return { body, type: types[name.split(".").pop() ?? ""] ?? "application/octet-stream", etag };
}

/** Everything the pages need, read once: a few files of our own and the two vendored libraries. */
function readAssets(): Map<string, Asset> {
  const folder = new URL("../web/", import.meta.url);
  const own = readdirSync(folder).filter((name) => /\.(html|css|js|svg)$/.test(name));
  return new Map([
    ...own.map((name): [string, string] => [name, readFileSync(new URL(name, folder), "utf8")]),
    ["vendor/uplot.js", uplot as unknown as string] as [string, string],
    ["vendor/uplot.css", uplotCss as unknown as string] as [string, string],
    ["vendor/swagger-ui-bundle.js", swaggerBundle as unknown as string] as [string, string],
    ["vendor/swagger-ui.css", swaggerCss as unknown as string] as [string, string],
  ].map(([name, body]) => [name, assetOf(name, body)]));
}

/** The dashboard, the API reference and the login page; no other host is asked for anything. */
export function pageRoutes(): Hono<AppEnv> {
  const router = new Hono<AppEnv>();
  const assets = readAssets();

  const answer = (
    asset: Asset | undefined,
    ifNoneMatch: string | undefined,
  ): Response | undefined => {
    if (!asset) return undefined;
    const headers = { etag: asset.etag, "cache-control": "no-cache", "content-type": asset.type };
    return ifNoneMatch === asset.etag
      ? new Response(null, { status: 304, headers })
      : new Response(asset.body, { headers });
  };

  for (
    const [path, file] of [["/", "index.html"], ["/docs", "docs.html"], [
      "/login",
      "login.html",
    ]] as const
  ) {
    router.get(
      path,
      (c) => answer(assets.get(file), c.req.header("if-none-match")) ?? c.notFound(),
    );
  }
  router.get(
    "/assets/:name{.+}",
    (c) => answer(assets.get(c.req.param("name")), c.req.header("if-none-match")) ?? c.notFound(),
  );
  return router;
}
