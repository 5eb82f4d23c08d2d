import { fromFile, Parser } from "@asyncapi/parser";

/**
 * `deno task lint:api`: openapi.yaml against Redocly's recommended rules and Spectral's for OpenAPI, asyncapi.yaml against
 * the validator of AsyncAPI. A warning fails as an error does.
 */
const here = new URL("./", import.meta.url).pathname;
const root = new URL("../../", import.meta.url).pathname;

/** Runs a program of the packages here; returns its exit code and all that it wrote. */
async function run(bin: string, args: string[]): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", `${here}node_modules/.bin/${bin}`, ...args],
    cwd: here,
    env: { REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true", NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
}

async function lintWithRedocly(document: string): Promise<string[]> {
  const { code, text } = await run("redocly", [
    "lint",
    document,
    "--config",
    "redocly.yaml",
    "--format",
    "json",
  ]);
  const { totals, problems } = JSON.parse(text.slice(text.indexOf("{"), text.lastIndexOf("}") + 1));
  const found = problems.map((one: { severity: string; ruleId: string; message: string }) =>
    `${one.severity} ${one.ruleId}: ${one.message}`
  );
  if (code !== 0 && found.length === 0) found.push(`exit code ${code}: ${text}`);
  if (totals.ignored > 0) found.push(`${totals.ignored} problems are ignored by a file`);
  return found;
}

async function lintWithSpectral(document: string): Promise<string[]> {
  const { code, text } = await run("spectral", [
    "lint",
    document,
    "--ruleset",
    "spectral.yaml",
    "--fail-severity",
    "hint",
    "--format",
    "text",
    "--quiet",
  ]);
  return code === 0 ? [] : text.trim().split("\n");
}

async function lintAsyncApi(document: string): Promise<string[]> {
  const { document: parsed, diagnostics } = await fromFile(new Parser(), document).parse();
  const found = diagnostics.map(({ code, path, message }) =>
    `${code} ${path.join(".")}: ${message}`
  );
  if (!parsed) found.push("the document cannot be parsed");
  return found;
}

const checks: [string, string, (path: string) => Promise<string[]>][] = [
  ["Redocly, recommended", "openapi.yaml", lintWithRedocly],
  ["Spectral, spectral:oas", "openapi.yaml", lintWithSpectral],
  ["AsyncAPI parser", "asyncapi.yaml", lintAsyncApi],
];

let failed = false;
const [folder = root] = Deno.args;
for (const [name, file, lint] of checks) {
  const problems = await lint(`${folder}/${file}`);
  console.log(`${name}: ${file}: ${problems.length === 0 ? "clean" : "not clean"}`);
  for (const problem of problems) console.log(`  ${problem}`);
  failed ||= problems.length > 0;
}
Deno.exit(failed ? 1 : 0);
