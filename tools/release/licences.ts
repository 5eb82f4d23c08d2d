import type { Package } from "./packages.ts";

/** Licences that a package may have, as SPDX expressions: none asks anything of those who only run Holdfast. */
const allowed = new Set([
  "(MIT AND Zlib)",
  "(MIT OR CC0-1.0)",
  "0BSD",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "ISC",
  "MIT",
  "PostgreSQL",
  "Python-2.0",
  "Unlicense",
]);
/** Also allowed for what only tools and tests use. */
const allowedForTools = new Set(["MPL-2.0"]);

/** Returns the packages whose licence is missing or not allowed, each as one line. */
export function licenceProblems(packages: readonly Package[]): string[] {
  return packages.flatMap(({ name, version, licence, isServed }) => {
    if (licence === undefined) return [`${name} ${version} states no licence`];
    if (allowed.has(licence) || (!isServed && allowedForTools.has(licence))) return [];
    return [`${name} ${version} has the licence ${licence}, which nobody has allowed yet`];
  });
}

/** Returns the list of packages as a Markdown table. */
export function licenceTable(packages: readonly Package[]): string {
  const rows = packages.map(({ name, version, licence, isServed }) =>
    `| ${name} | ${version} | ${licence ?? "?"} | ${isServed ? "server" : "tools and tests"} |`
  );
  return ["| package | version | licence | used by |", "| --- | --- | --- | --- |", ...rows, ""]
    .join("\n");
}
