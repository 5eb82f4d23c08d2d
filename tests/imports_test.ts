import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import {
  allFiles,
  importsOf,
  readSource as text,
  sourceFiles as files,
  webModules,
} from "./helpers/source_tree.ts";

/** From top to bottom: a file may import its own folder and folders further down. */
const order = [
  ["main.ts"],
  ["commands", "tools"],
  ["app"],
  ["routes"],
  ["bench"],
  ["services"],
  ["db"],
  ["lib", "client"],
  ["runtime"],
  ["config"],
  ["errors.ts", "log.ts"],
];

const folderOf = (file: string) => file.includes("/") ? file.slice(0, file.indexOf("/")) : file;
const levelOf = (folder: string) => order.findIndex((folders) => folders.includes(folder));

Deno.test("imports run one way: from the root down to config, errors and log", () => {
  const upward: string[] = [];
  for (const file of files) {
    const from = levelOf(folderOf(file));
    assert.notEqual(from, -1, `${file} is in no known folder`);
    for (const target of importsOf(file)) {
      if (!target.endsWith(".ts")) continue;
      const to = levelOf(folderOf(target));
      const typesOnly = target === "runtime/types.ts";
      if (to < from && !typesOnly) upward.push(`${file} imports ${target}`);
    }
  }
  assert.deepEqual(upward, []);
});

Deno.test("no chain of imports leads back to its start", () => {
  const all = [...files, ...webModules];
  const known = new Set(all);
  const graph = new Map(all.map((file) => [file, importsOf(file).filter((to) => known.has(to))]));
  const done = new Set<string>();
  const visit = (file: string, path: string[]): void => {
    assert.ok(!path.includes(file), `a cycle: ${[...path, file].join(" → ")}`);
    if (done.has(file)) return;
    for (const target of graph.get(file) ?? []) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of all) visit(file, []);
});

Deno.test("helpers and parts of the pages know no page", () => {
  const allowed: Record<string, RegExp> = {
    "web/lib/": /^web\/lib\//,
    "web/parts/": /^web\/(lib\/|parts\/|state\.js$)/,
  };
  const wrong = Object.entries(allowed).flatMap(([folder, targets]) =>
    webModules.filter((file) => file.startsWith(folder)).flatMap((file) =>
      importsOf(file).filter((target) => !targets.test(target))
        .map((target) => `${file} imports ${target}`)
    )
  );
  assert.deepEqual(wrong, []);
});

Deno.test("files and folders that code names beside itself are there", () => {
  const beside = /new URL\(\s*"([^"]+)",\s*import\.meta\.url/g;
  const root = new URL("../", import.meta.url);
  const isMade = (path: string) => /(^|\/)(dist|node_modules|\.holdfast)\//.test(path);
  const missing = allFiles.flatMap((file) =>
    [...text(file).matchAll(beside)]
      .filter(([, path = ""]) => !isMade(path) && !existsSync(new URL(path, new URL(file, root))))
      .map(([, path]) => `${file} names ${path}`)
  );
  assert.deepEqual(missing, []);
});

Deno.test("routes and bench stay away from the driver; services know neither Hono nor Deno", () => {
  const wrong: string[] = [];
  for (const file of files) {
    const folder = folderOf(file);
    const code = text(file);
    if (folder === "services" && /from "(hono|@hono)/.test(code)) wrong.push(`${file}: hono`);
    if (folder === "routes" && /from "(postgres|drizzle-orm)/.test(code)) {
      wrong.push(`${file}: driver`);
    }
    const free = !["runtime", "main.ts", "bench", "tools"].includes(folder);
    if (free && /\bDeno\.|\bBun\./.test(code)) wrong.push(`${file}: runtime global`);
  }
  assert.deepEqual(wrong, []);
});

Deno.test("no source file switches the compiler or the linter off", () => {
  const off = /@ts-(ignore|nocheck|expect-error)|deno-lint-ignore|: any\b|\bas any\b/;
  assert.deepEqual(files.filter((file) => off.test(text(file))), []);
});
