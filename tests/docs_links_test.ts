import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

const root = new URL("..", import.meta.url).pathname;
const skipped = new Set(["node_modules", ".git", ".holdfast", "coverage", "dist", "generated"]);

function filesIn(folder = ""): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (skipped.has(entry.name)) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesIn(path) : [path];
  });
}

const files = filesIn();
const pages = files.filter((file) => file.endsWith(".md"));

/** Returns the page without its code blocks: what they hold is no link. */
const proseOf = (page: string) =>
  readFileSync(join(root, page), "utf8").replace(/^ *```[^]*?^ *```$/gm, "");

/** Returns the anchors of a page, formed from its headings as GitHub forms them. */
function anchorsOf(page: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ""] of proseOf(page).matchAll(/^#{1,6} +(.*)$/gm)) {
    const slug = heading.toLowerCase().replace(/[^\p{L}\p{N}_\- ]/gu, "").replaceAll(" ", "-");
    let anchor = slug;
    for (let again = 1; anchors.has(anchor); again++) anchor = `${slug}-${again}`;
    anchors.add(anchor);
  }
  return anchors;
}

Deno.test("every relative link in the docs leads to a file and a heading that exist", () => {
  const broken: string[] = [];
  for (const page of pages) {
    for (const [, link = ""] of proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      const [path = "", anchor] = link.split("#");
      const target = path === "" ? page : normalize(join(dirname(page), path));
      const leads = existsSync(join(root, target)) &&
        (anchor === undefined || anchorsOf(target).has(anchor));
      if (!leads) broken.push(`${page}: ${link}`);
    }
  }
  assert.ok(pages.length > 20, "the docs were found");
  assert.deepEqual(broken, []);
});

Deno.test("every source file that the docs name in code type exists, by its path or the end of it", () => {
  const missing: string[] = [];
  for (const page of pages) {
    for (
      const [, path = ""] of proseOf(page).matchAll(/`([\w./-]+\.ts|[\w.-]+\/[\w./-]+\.sql)`/g)
    ) {
      const found = files.some((file) => file === path || file.endsWith(`/${path}`));
      if (!found) missing.push(`${page}: ${path}`);
    }
  }
  assert.deepEqual(missing, []);
});

Deno.test("every file in the diagrams of the architecture guide exists", () => {
  const page = readFileSync(join(root, "docs/architecture.md"), "utf8");
  const diagrams = [...page.matchAll(/^```mermaid$([^]*?)^```$/gm)].map(([, text = ""]) => text);
  const named = diagrams.flatMap((text) => text.match(/[\w/]+\.ts\b/g) ?? []);
  assert.ok(named.length > 5);
  assert.deepEqual(
    named.filter((name) => !files.some((file) => `/${file}`.endsWith(`/${name}`))),
    [],
  );
});
