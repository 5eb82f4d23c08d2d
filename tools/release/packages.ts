import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A package that deno.lock pins. */
export interface Package {
  name: string;
  version: string;
  /** SPDX expression, as the package states it; undefined if it states none. */
  licence: string | undefined;
  /** Digest of the archive, as deno.lock has it: algorithm and base64. */
  integrity: string | undefined;
  /** `name@version` of the packages that it needs. */
  needs: string[];
  /** Whether deno.json names it. */
  isDirect: boolean;
  /** Whether a server needs it; otherwise only tools and tests do. */
  isServed: boolean;
}

interface Locked {
  integrity?: string;
  dependencies?: string[];
  optionalDependencies?: string[];
}

interface Lock {
  specifiers: Record<string, string>;
  npm: Record<string, Locked>;
}

/** Packages of deno.json that only tools and tests import. */
export const toolsOnly: readonly string[] = [
  "@cyclonedx/cyclonedx-library",
  "ajv",
  "ajv-formats",
  "axe-core",
  "fast-check",
  "openapi-fetch",
  "openapi-typescript",
  "playwright-core",
  "typescript",
  "yaml",
];

/** Returns name and version of a key of deno.lock such as `@a/b@1.2.3_peer@4.0.0`. */
function splitKey(key: string): { name: string; version: string } {
  const at = key.indexOf("@", 1);
  return { name: key.slice(0, at), version: key.slice(at + 1).split("_")[0] ?? "" };
}

/** Returns the key of deno.lock that a dependency `name` or `name@version` means. */
function keyOf(dependency: string, keys: readonly string[]): string | undefined {
  return keys.find((key) => key === dependency) ??
    keys.find((key) => key.startsWith(`${dependency}@`) || key.startsWith(`${dependency}_`));
}

function licenceOf(modules: string, { name, version }: { name: string; version: string }) {
  const prefix = `${name.replaceAll("/", "+")}@${version}`;
  const folder = readdirSync(join(modules, ".deno")).find((entry) =>
    entry === prefix || entry.startsWith(`${prefix}_`)
  );
  if (!folder) return undefined;
  const path = join(modules, ".deno", folder, "node_modules", name, "package.json");
  const { license } = JSON.parse(readFileSync(path, "utf8")) as { license?: unknown };
  return typeof license === "string" ? license : undefined;
}

/**
 * Returns the packages that deno.lock pins, by name. The licence is read from the installed package; packages for other
 * platforms are not installed, and have the licence of the package that needs them.
 */
export function readPackages(root: string): Package[] {
  const lock = JSON.parse(readFileSync(join(root, "deno.lock"), "utf8")) as Lock;
  const keys = Object.keys(lock.npm);
  const needsOf = (key: string) => {
    const { dependencies = [], optionalDependencies = [] } = lock.npm[key] ?? {};
    return [...dependencies, ...optionalDependencies].flatMap((one) => keyOf(one, keys) ?? []);
  };
  const served = new Set<string>();
  const visit = (key: string): void => {
    if (served.has(key)) return;
    served.add(key);
    needsOf(key).forEach(visit);
  };
  const direct = new Set(
    Object.entries(lock.specifiers).flatMap(([specifier, version]) =>
      keyOf(`${splitKey(specifier.replace(/^npm:/, "")).name}@${version}`, keys) ?? []
    ),
  );
  for (const key of direct) if (!toolsOnly.includes(splitKey(key).name)) visit(key);
  const modules = join(root, "node_modules");
  const own = new Map(keys.map((key) => [key, licenceOf(modules, splitKey(key))]));
  const inherited = (key: string) => own.get(keys.find((one) => needsOf(one).includes(key)) ?? "");
  return keys.map((key) => ({
    ...splitKey(key),
    licence: own.get(key) ?? inherited(key),
    integrity: lock.npm[key]?.integrity,
    needs: needsOf(key).map((one) => `${splitKey(one).name}@${splitKey(one).version}`),
    isDirect: direct.has(key),
    isServed: served.has(key),
  }));
}
