import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const version = "1.5.6-r.1";
const packageName = "@duckdb/node-api";

const script = `
const { DuckDBInstance } = require("${packageName}");
(async () => {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const read = await connection.runAndReadAll(process.argv[1]);
  console.log(JSON.stringify(read.getRowObjectsJson()));
})();`;

/**
 * Another implementation of Parquet, from npm, beside the project (70 MB that nobody else needs); installed once per
 * machine. Undefined, and said loudly, where it cannot be had.
 */
export async function findDuckdb(): Promise<
  ((sql: string) => Promise<Record<string, unknown>[]>) | undefined
> {
  const folder = join(tmpdir(), `holdfast-duckdb-${version}`);
  const run = (command: string, args: string[]) =>
    new Deno.Command(command, { args, cwd: folder, stdout: "piped", stderr: "piped" }).output();
  try {
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(join(folder, "package.json"), "{}");
    if (!existsSync(join(folder, "node_modules", packageName))) {
      const args = ["install", "--ignore-scripts", "--no-audit", "--no-fund"];
      const { success, stderr } = await run("npm", [...args, `${packageName}@${version}`]);
      if (!success) throw new Error(new TextDecoder().decode(stderr).slice(-300));
    }
  } catch (error) {
    console.error(`SKIPPED for want of ${packageName} from npm: ${error}`);
    return undefined;
  }
  return async (sql) => {
    const { success, stdout, stderr } = await run("node", ["-e", script, sql]);
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    return JSON.parse(new TextDecoder().decode(stdout));
  };
}
