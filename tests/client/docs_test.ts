import assert from "node:assert/strict";
import { startApp, type TestApp } from "../helpers/test_app.ts";

const root = new URL("../../", import.meta.url);

let app: TestApp;
Deno.test.beforeAll(async () => {
  app = await startApp({ HOLDFAST_FAST_TIER_SECONDS: "1", HOLDFAST_BROADCAST_SECONDS: "1" });
});
Deno.test.afterAll(() => app.stop());

const blocksOf = (text: string) =>
  [...text.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, code = ""]) => code);

/** Runs a program as a reader would who has installed the client; returns what it wrote. */
async function run(code: string): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "holdfast-docs-" });
  try {
    const at = (name: string) => new URL(`client/${name}.ts`, root).href;
    const imports = { "@holdfast/client": at("client"), "@holdfast/client/problem": at("problem") };
    const { compilerOptions } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
    await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify({ imports, compilerOptions }));
    const there = code.replaceAll("http://127.0.0.1:8000", app.url);
    assert.notEqual(there, code, "the program asks a server");
    await Deno.writeTextFile(`${folder}/program.ts`, there);
    const { code: exit, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--check", "--no-lock", "--allow-net=127.0.0.1", "program.ts"],
      cwd: folder,
      env: { NO_COLOR: "1" },
    }).output();
    const decoder = new TextDecoder();
    assert.equal(exit, 0, decoder.decode(stderr));
    return decoder.decode(stdout);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("the programs of docs/client.md and of the client's README type-check, run and say what they should", async () => {
  const guide = blocksOf(await Deno.readTextFile(new URL("docs/client.md", root)));
  const readme = blocksOf(await Deno.readTextFile(new URL("client/README.md", root)));
  const expected = [
    /^1 0\n601\.25\n$/,
    /^1\n$/,
    /NOBODY/,
    /./,
    /^(healthy|degraded|unhealthy|unknown) \d+\ndatabase_performance \d+\n$/,
  ];
  const programs = [...guide, ...readme];
  assert.equal(programs.length, expected.length);
  for (const [at, program] of programs.entries()) {
    assert.match(await run(program), expected[at] ?? /$^/, program);
  }
});
