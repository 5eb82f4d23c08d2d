/**
 * Generates clients from openapi.yaml with five generators into generated/, and compiles them, with the programs in
 * clients/ that use them, under `strict`. Exits 1 when a generator or the compiler complains.
 */
const here = new URL("./", import.meta.url).pathname;
const document = "../../openapi.yaml";

type Generator = [name: string, args: string[], env?: Record<string, string>];

const generators: Generator[] = [
  ["openapi-typescript", [document, "-o", "generated/openapi-typescript/schema.ts"]],
  ["openapi-ts", ["-i", document, "-o", "generated/hey-api", "--silent"]],
  ["orval", ["--config", "orval.config.ts"], { OUT: "generated/orval" }],
  [
    "swagger-typescript-api",
    ["generate", "-p", document, "-o", "generated/swagger-typescript-api", "-n", "client.ts"],
  ],
  ["kubb", ["generate", "--config", "kubb.config.ts"], { OUT: "generated/kubb" }],
];

async function run([name, args, env = {}]: Generator): Promise<boolean> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", `node_modules/.bin/${name}`, ...args],
    cwd: here,
    env: { NO_COLOR: "1", OPENAPI: document, ...env },
  }).output();
  console.log(`${name}: ${code === 0 ? "ok" : `exit code ${code}`}`);
  const decoder = new TextDecoder();
  if (code !== 0) console.log(decoder.decode(stdout) + decoder.decode(stderr));
  return code === 0;
}

await Deno.remove(`${here}generated`, { recursive: true }).catch(() => {});
let good = true;
for (const generator of generators) good = await run(generator) && good;
good = await run(["tsc", ["--project", "tsconfig.json"]]) && good;
Deno.exit(good ? 0 : 1);
