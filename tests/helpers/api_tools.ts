import { existsSync } from "node:fs";

/** Where the generators, linters and the compiler of the published client are. */
export const toolsFolder = new URL("../../tools/api/", import.meta.url).pathname;

/** The packages of tools/api, which `deno task lint:api` installs. */
export const apiTools = {
  what: "the packages of tools/api (deno task lint:api installs them)",
  present: existsSync(`${toolsFolder}node_modules/.bin/kubb`),
};

/** Runs a program there; `output` is what it wrote to standard output, `text` that and its errors. */
export async function runTool(
  args: string[],
): Promise<{ code: number; output: string; text: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", ...args],
    cwd: toolsFolder,
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  const output = decoder.decode(stdout);
  return { code, output, text: output + decoder.decode(stderr) };
}
