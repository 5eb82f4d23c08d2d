import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import denoConfig from "../deno.json" with { type: "json" };

const root = new URL("../", import.meta.url).pathname;

/** What a server and its commands need; tests, studies and documents stay here. */
const parts = [
  "main.ts",
  "errors.ts",
  "log.ts",
  "deno.json",
  "deno.lock",
  "LICENSE",
  "app",
  "bench/cases",
  "client",
  "commands",
  "config",
  "db",
  "lib",
  "routes",
  "runtime",
  "services",
  "web",
];

const denoVersion = "2.9.6";

/** Returns the package.json of the npm package. */
function packageJson() {
  return {
    name: "holdfast",
    version: denoConfig.version,
    description:
      "Ingest, partition care, watching, alerts and proven backups beside a time-series Postgres",
    license: denoConfig.license,
    type: "module",
    bin: { holdfast: "holdfast.js" },
    files: ["holdfast.js", "app"],
    engines: { node: ">=20" },
    os: ["linux", "darwin"],
    dependencies: { deno: denoVersion },
  };
}

/** Writes the npm package into the folder of the first argument, for `npm pack`. */
async function main(): Promise<number> {
  const [to] = process.argv.slice(2);
  if (!to) {
    console.error("Name the folder: deno task npm:package FOLDER");
    return 1;
  }
  await rm(to, { recursive: true, force: true });
  await mkdir(join(to, "app"), { recursive: true });
  for (const part of parts) {
    await cp(join(root, part), join(to, "app", part), {
      recursive: true,
      filter: (path) => !/\/(node_modules|dist|\.holdfast)$/.test(path),
    });
  }
  for (const name of ["holdfast.js", "README.md"]) {
    await cp(join(root, "deploy/npm", name), join(to, name));
  }
  await cp(join(root, "LICENSE"), join(to, "LICENSE"));
  await writeFile(join(to, "package.json"), JSON.stringify(packageJson(), null, 2) + "\n");
  console.log(`wrote holdfast ${denoConfig.version} to ${to}`);
  return 0;
}

process.exit(await main());
