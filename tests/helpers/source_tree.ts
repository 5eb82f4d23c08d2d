import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";

const root = new URL("../..", import.meta.url).pathname;
const skipped = new Set(["node_modules", ".git", ".holdfast", "coverage", "dist", "generated"]);

function listSources(folder = ""): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (skipped.has(entry.name)) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? listSources(path) : [path];
  });
}

const everyFile = listSources();

/** Every TypeScript file of the repository, as a path from its root, tests included. */
export const allFiles: readonly string[] = everyFile.filter((file) => file.endsWith(".ts"));

/** Every file of the pages: modules, style sheets and documents. */
export const webFiles: readonly string[] = everyFile.filter((file) => file.startsWith("web/"));

/** Every module of the pages. */
export const webModules: readonly string[] = webFiles.filter((file) => file.endsWith(".js"));

/** Every TypeScript file except tests. */
export const sourceFiles = allFiles.filter((file) => !file.startsWith("tests/"));

/** Returns the absolute path of a source file. */
export const pathOf = (file: string) => join(root, file);

/** Reads a source file. */
export const readSource = (file: string) => readFileSync(pathOf(file), "utf8");

/** Returns the files that a source file imports by a relative path. */
export function importsOf(file: string): string[] {
  return [...readSource(file).matchAll(/(?:from|import)\s+"(\.{1,2}\/[^"]+)"/g)].map((match) =>
    relative(root, normalize(join(root, dirname(file), match[1] ?? "")))
  );
}
