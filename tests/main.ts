/** Runs the suite, or the files and folders that it is given, in fewer isolates than there are files. */
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = new URL("./", import.meta.url);
/** Each part loads the modules of Holdfast once, so few are cheap; many take equally long. */
const parts = 12;
/** Parts that run side by side on two cores: one of them often waits. */
const jobs = 3;
/** The line with which a file asks for an isolate of its own, and says why. */
const alone = /^\/\/ Runs alone: /m;

/** Returns the test files at a path. */
function testsAt(path: string): string[] {
  if (!Deno.statSync(path).isDirectory) return [path];
  return [...Deno.readDirSync(path)].flatMap(({ name, isDirectory }) => {
    if (isDirectory) return testsAt(join(path, name));
    return name.endsWith("_test.ts") ? [join(path, name)] : [];
  });
}

/** Writes a module that runs some files together, and returns its path. */
async function writePart(
  folder: string,
  number: number,
  files: readonly string[],
): Promise<string> {
  const path = join(folder, `part_${number}.ts`);
  const names = files.map((file) => relative(fileURLToPath(root), file));
  await Deno.writeTextFile(
    path,
    [
      `import { runTogether } from ${JSON.stringify(new URL("helpers/together.ts", root).href)};`,
      `await runTogether(${JSON.stringify(root.href)}, ${JSON.stringify(names)});`,
      "",
    ].join("\n"),
  );
  return path;
}

const asked = Deno.args.length > 0 ? Deno.args : [fileURLToPath(root)];
const files = [...new Set(asked.flatMap((path) => testsAt(resolve(path))))].sort();
const { apart = [], together = [] } = Object.groupBy(
  files,
  (file) => alone.test(Deno.readTextFileSync(file)) ? "apart" : "together",
);
const folder = await Deno.makeTempDir({ prefix: "holdfast-suite-" });
try {
  const modules: string[] = [];
  for (let part = 0; part < Math.min(parts, together.length); part++) {
    // Neighbours take about as long as each other, and go to different parts.
    modules.push(
      await writePart(folder, part + 1, together.filter((_, at) => at % parts === part)),
    );
  }
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "--no-check", "-P=test", "--parallel", ...apart, ...modules],
    env: { DENO_JOBS: String(jobs) },
  }).spawn().status;
  Deno.exitCode = code;
} finally {
  await Deno.remove(folder, { recursive: true });
}
