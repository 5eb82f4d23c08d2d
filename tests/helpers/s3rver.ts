import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const version = "5.0.0";
const packageName = "@20minutes/s3rver";

const script = `
const S3rver = require("${packageName}");
new S3rver({
  address: "127.0.0.1", port: 0, silent: true, directory: process.argv[1], vhostBuckets: false,
  configureBuckets: [{ name: "backups" }],
}).run().then(({ port }) => console.log(port));`;

/**
 * S3 as others have written it, from npm, beside the project; installed once per machine. It checks signatures, but
 * neither hashes of bodies nor sizes of parts. Undefined, and said loudly, where it cannot be had.
 */
export async function startS3rver(): Promise<
  { endpoint: string; key: string; stop(): Promise<void> } | undefined
> {
  const folder = join(tmpdir(), `holdfast-s3rver-${version}`);
  const options = { cwd: folder, stdin: "null", stdout: "piped", stderr: "piped" } as const;
  const data = await Deno.makeTempDir({ prefix: "holdfast-s3rver-data-" });
  try {
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(join(folder, "package.json"), "{}");
    if (!existsSync(join(folder, "node_modules", packageName))) {
      const args = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"];
      const npm = new Deno.Command("npm", {
        ...options,
        args: [...args, `${packageName}@${version}`],
      });
      const { success, stderr } = await npm.output();
      if (!success) throw new Error(new TextDecoder().decode(stderr).slice(-300));
    }
    const node = new Deno.Command("node", { ...options, args: ["-e", script, data] }).spawn();
    const stop = async () => {
      node.kill("SIGKILL");
      await node.status;
      await reader.cancel();
      await node.stderr.cancel();
      await Deno.remove(data, { recursive: true });
    };
    const reader = node.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const { value: port } = await reader.read();
    if (!port) {
      await stop();
      throw new Error("it does not start");
    }
    return { endpoint: `http://127.0.0.1:${port.trim()}`, key: "S3RVER", stop };
  } catch (error) {
    await Deno.remove(data, { recursive: true }).catch(() => {});
    console.error(`SKIPPED for want of ${packageName} from npm: ${error}`);
    return undefined;
  }
}
