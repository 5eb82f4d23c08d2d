#!/usr/bin/env node
// Starts Holdfast with the Deno that comes with this package. The first start copies the project to a folder of the user's
// and fetches its packages there, at the versions of deno.lock; later starts fetch nothing.
import { spawn, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const { version } = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));

/** Returns the program itself, not the script around it, which would forward no signals. */
function findDeno() {
  const folder = dirname(createRequire(import.meta.url).resolve("deno/package.json"));
  const program = join(folder, process.platform === "win32" ? "deno.exe" : "deno");
  if (existsSync(program)) return program;
  // npm was told to run no scripts: this one puts the program in its place.
  spawnSync(process.execPath, [join(folder, "bin.cjs"), "--version"], { stdio: "ignore" });
  if (existsSync(program)) return program;
  throw new Error(
    `npm's package deno brings no program for ${process.platform} on ${process.arch}`,
  );
}

/** Returns the folder that holds the project of this version, and fills it at the first start. */
function prepareProject(deno) {
  const data = process.env.XDG_DATA_HOME || join(homedir(), ".local", "share");
  const home = resolve(process.env.HOLDFAST_HOME || join(data, "holdfast", version));
  const complete = join(home, ".complete");
  if (existsSync(complete)) return home;
  console.error(`holdfast ${version}: preparing ${home}, once`);
  if (!existsSync(join(home, "main.ts"))) {
    const partial = `${home}.partial-${process.pid}`;
    mkdirSync(dirname(home), { recursive: true });
    rmSync(partial, { recursive: true, force: true });
    cpSync(join(here, "app"), partial, { recursive: true });
    try {
      renameSync(partial, home);
    } catch (error) {
      rmSync(partial, { recursive: true, force: true });
      if (!existsSync(join(home, "main.ts"))) throw error; // another start was quicker
    }
  }
  const args = ["install", "--frozen", "--quiet", "--entrypoint", "main.ts"];
  const { status } = spawnSync(deno, args, { cwd: home, stdio: ["ignore", 2, 2] });
  if (status !== 0) throw new Error(`deno ${args.join(" ")} failed in ${home}`);
  writeFileSync(complete, "");
  return home;
}

/** Relative places of settings are meant from where the user is. */
function settingsFrom(cwd) {
  const env = { ...process.env, HOLDFAST_DATA_DIR: process.env.HOLDFAST_DATA_DIR || ".holdfast" };
  for (const name of Object.keys(env)) {
    if (/^HOLDFAST_(\w*_)?(DIR|CONFIG|DATABASES)$/.test(name) && env[name]) {
      env[name] = resolve(cwd, env[name]);
    }
  }
  delete env.HOLDFAST_HOME; // ours, and no setting
  return env;
}

/** Returns Deno's arguments and its directory for a command of Holdfast. */
function commandOf(home, [name = "serve", ...args]) {
  const tasks = JSON.parse(readFileSync(join(home, "deno.json"), "utf8")).tasks;
  const isServer = name === "serve" || name === "demo";
  // These take their places from the settings alone; the task computes what Deno must allow.
  if (isServer) return { args: ["task", "--quiet", name, ...args], cwd: home };
  const options = / run (.*) main\.ts /.exec(tasks[name] ?? "")?.[1] ?? "-P=files";
  return {
    args: [
      "run",
      "--config",
      join(home, "deno.json"),
      ...options.split(" "),
      join(home, "main.ts"),
      name,
      ...args,
    ],
    cwd: process.cwd(),
  };
}

function main() {
  const deno = findDeno();
  const home = prepareProject(deno);
  const { args, cwd } = commandOf(home, process.argv.slice(2));
  const env = settingsFrom(process.cwd());
  env.PATH = `${dirname(deno)}:${env.PATH ?? ""}`;
  const child = spawn(deno, args, { cwd, env, stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => child.kill(signal));
  }
  child.on("error", (error) => fail(error));
  child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGKILL" ? 137 : 1)));
}

function fail(error) {
  console.error(`Cannot start: ${error.message}`);
  process.exit(1);
}

try {
  main();
} catch (error) {
  fail(error);
}
