import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { createFleet, storeTick } from "../helpers/fleet.ts";
import { psql, slowTests, testWith } from "../helpers/skip.ts";

const { start, newDataDir, newFolder, clear } = createFleet();
const root = new URL("../../", import.meta.url).pathname;
const pages = ["docs/operations.md", "docs/faq.md"];

Deno.test.afterAll(clear);

/** The shell blocks of a page, each with the heading above it. */
function blocksOf(page: string): { heading: string; script: string }[] {
  const blocks: { heading: string; script: string }[] = [];
  let heading = "";
  for (const [whole] of page.matchAll(/^#+ .*$|^ *```sh\n[^]*?^ *```$/gm)) {
    if (whole.startsWith("#")) heading = whole.replace(/^#+ /, "");
    else blocks.push({ heading, script: whole.split("\n").slice(1, -1).join("\n") });
  }
  return blocks;
}

const isElsewhere = (script: string) => script.trimStart().startsWith("# elsewhere");

Deno.test("each procedure says what it needs when it runs elsewhere, and most run here", async () => {
  const blocks = (await Promise.all(pages.map((page) => Deno.readTextFile(root + page))))
    .flatMap(blocksOf);
  const here = blocks.filter(({ script }) => !isElsewhere(script));
  assert.ok(here.length > 20, `${here.length} blocks`);
  for (const { heading, script } of blocks.filter(({ script }) => isElsewhere(script))) {
    assert.match(script, /^ *# elsewhere: \w+/, heading);
  }
  for (const { heading, script } of here) {
    assert.doesNotMatch(script, /…|<[a-z ]+>|\bID\b/, `${heading} has a placeholder`);
  }
});

testWith(
  { what: `${psql.what} and ${slowTests.what}`, present: psql.present && slowTests.present },
  "the shell commands of the operations guide and of the questions run as they are written",
  async (t) => {
    const dir = await newDataDir();
    const temporary = await newFolder();
    const holdfast = start(dir);
    await holdfast.ready(60_000);
    await storeTick(holdfast.url);
    const { port } = new URL(holdfast.url);
    const run = async (script: string) => {
      const here = script.replaceAll("http://127.0.0.1:8000", holdfast.url)
        .replaceAll(".holdfast/", `${dir}/`);
      const { code, stdout, stderr } = await new Deno.Command("bash", {
        args: ["-euo", "pipefail", "-c", here],
        cwd: root,
        env: {
          PATH: `${dirname(Deno.execPath())}:${Deno.env.get("PATH") ?? ""}`,
          PORT: port,
          HOLDFAST_DATA_DIR: dir,
          TMPDIR: temporary,
        },
      }).output();
      const words = new TextDecoder();
      const output = words.decode(stdout);
      assert.equal(code, 0, `${script}\n${output}${words.decode(stderr)}`);
      return output;
    };
    await run("deno task backup --no-drill");
    for (const page of pages) {
      for (const { heading, script } of blocksOf(await Deno.readTextFile(root + page))) {
        if (isElsewhere(script)) continue;
        await t.step(`${page}: ${heading}`, async () => {
          const output = await run(script);
          if (script.includes("bytes_per_tick")) assert.match(output, /\d/);
          if (script.includes("vacuum (freeze")) assert.match(output, /^VACUUM$/m);
          const [, restored] = /restore --to "\$\{TMPDIR:-\/tmp\}\/(\w+)"/.exec(script) ?? [];
          if (restored) assert.ok(existsSync(`${temporary}/${restored}/postgres/PG_VERSION`));
        });
      }
    }
    assert.equal(holdfast.logged("internal").length, 0);
    holdfast.interrupt();
    assert.equal(await holdfast.exited, 0);
  },
);
