import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import htm from "htm" with { type: "text" };
import preact from "preact" with { type: "text" };
import hooks from "preact/hooks" with { type: "text" };
import swaggerBundle from "swagger-ui-dist/swagger-ui-bundle.js" with { type: "text" };
import swaggerCss from "swagger-ui-dist/swagger-ui.css" with { type: "text" };
import uplot from "uplot/dist/uPlot.iife.min.js" with { type: "text" };
import uplotCss from "uplot/dist/uPlot.min.css" with { type: "text" };
import { bundle } from "./bundle.ts";
import { renderRunbookSections } from "./runbook.ts";

const types: Record<string, string> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
};

/** A file to send: its bytes, the same compressed, and its tag. */
export interface Asset {
  type: string;
  etag: string;
  plain: Uint8Array<ArrayBuffer>;
  /** Compressed when first asked for. */
  gzip(): Uint8Array<ArrayBuffer>;
}

const text = (imported: unknown) => String(imported);
const hash = (body: string) => createHash("sha256").update(body).digest("hex").slice(0, 16);

function assetOf(name: string, body: string): Asset {
  const plain = new TextEncoder().encode(body);
  let small: Uint8Array<ArrayBuffer> | undefined;
  return {
    type: types[name.split(".").pop() ?? ""] ?? "application/octet-stream",
    etag: `"${hash(body)}"`,
    plain,
    gzip: () => small ??= new Uint8Array(gzipSync(plain, { level: 9 })),
  };
}

const vendored: Record<string, string> = {
  "vendor/preact.js": text(preact).replace(/\n?\/\/# sourceMappingURL=.*/, ""),
  "vendor/preact/hooks.js": text(hooks).replace(/\n?\/\/# sourceMappingURL=.*/, ""),
  "vendor/htm.js": text(htm),
};

/** Modules that are loaded only where they are needed, besides the pages. */
const apart = ["login.js", "docs.js"];

/**
 * The pages' files by name. Their address carries a version made of all their content (`/assets/{version}/…`), so a
 * browser may keep each for ever and never mixes two versions.
 */
export function readAssets(): { version: string; assets: Map<string, Asset> } {
  const folder = new URL("../../web/", import.meta.url);
  const read = (name: string) => readFileSync(new URL(name, folder), "utf8");
  const readShell = (name: string) =>
    name === "runbook.html"
      ? read(name).replace("<!-- sections -->", renderRunbookSections)
      : read(name);
  const list = (under: string, ending: string) =>
    readdirSync(new URL(under, folder)).filter((name) => name.endsWith(ending)).sort()
      .map((name) => `${under}${name}`);
  const styles = list("styles/", ".css").map(read).join("\n");
  const shells = list("", ".html");
  const extra: Record<string, string> = {
    "app.css": `${text(uplotCss)}\n${styles}`,
    "theme.js": read("theme.js"),
    "vendor/uplot.js": `${text(uplot)}\nexport default uPlot;\n`,
    "vendor/swagger-ui-bundle.js": text(swaggerBundle),
    "vendor/swagger-ui.css": text(swaggerCss),
    "docs.css": read("docs.css"),
    "report.css": read("report.css"),
    "runbook.css": read("runbook.css"),
  };
  // Addresses are written with a placeholder first: the version is a hash of all that they stand in.
  const base = "/assets/@";
  const module = (name: string) => vendored[name] ?? read(name);
  const chunks = [
    ...bundle({ entry: "app.js", read: module, base }),
    ...apart.flatMap((entry) => bundle({ entry, read: module, base })),
  ];
  const files: [string, string][] = [
    ...Object.entries(extra),
    ...chunks.map(({ name, code }): [string, string] => [name, code]),
    ...shells.map((
      name,
    ): [string, string] => [name, readShell(name).replaceAll("/assets/", `${base}/`)]),
  ];
  const version = hash(files.map(([, body]) => body).join("\0"));
  const addressed = (body: string) => body.replaceAll(`${base}/`, `/assets/${version}/`);
  return {
    version,
    assets: new Map(files.map(([name, body]) => [name, assetOf(name, addressed(body))])),
  };
}
