import { readFileSync } from "node:fs";
import process from "node:process";
import denoConfig from "./deno.json" with { type: "json" };
import { readArguments, UsageError } from "./commands/common/arguments.ts";
import { backup } from "./commands/backup.ts";
import { demo } from "./commands/demo.ts";
import { distribute } from "./commands/distribute.ts";
import { doctor } from "./commands/doctor.ts";
import { exportTicks } from "./commands/export.ts";
import { importFiles } from "./commands/import.ts";
import { rehearse } from "./commands/rehearse.ts";
import { restore } from "./commands/restore.ts";
import { type CommandContext, serve, startServing } from "./commands/serve.ts";
import { describeServerChoice } from "./commands/common/server_choice.ts";
import { token } from "./commands/token.ts";
import { upgradeCluster } from "./commands/upgrade.ts";
import { readConfig } from "./config/config.ts";
import { StartError } from "./errors.ts";
import { createLogger } from "./log.ts";
import type { Runtime, Upgrade } from "./runtime/types.ts";

export {
  runComprehensiveBenchmark,
  validatePerformanceTargets,
} from "./services/benchmarks/service.ts";

const commands: Record<string, (context: CommandContext, args: string[]) => Promise<number>> = {
  async serve(context, args) {
    const { values, positionals } = readArguments("serve", args, {});
    if (positionals.length > 0) throw new UsageError(`serve takes no ${positionals[0]}`);
    if (!values.help) return await serve(context);
    console.log(
      "deno task serve     serves; settings come from the environment (docs/configuration.md)",
    );
    return 0;
  },
  demo,
  import: importFiles,
  export: exportTicks,
  backup,
  restore,
  rehearse,
  distribute,
  doctor,
  token,
  upgrade: upgradeCluster,
};

/** Deno's side or Bun's: only the one that is running is loaded. */
async function loadRuntime(): Promise<{ runtime: Runtime; upgrade: Upgrade }> {
  if ("Bun" in globalThis) {
    const { createBunRuntime, upgrade } = await import("./runtime/bun.ts");
    return { runtime: createBunRuntime(), upgrade };
  }
  const { createDenoRuntime } = await import("./runtime/deno.ts");
  const { upgrade } = await import("./runtime/http/web_socket.ts");
  return { runtime: createDenoRuntime(), upgrade };
}

async function createContext(): Promise<CommandContext> {
  const { runtime, upgrade } = await loadRuntime();
  const config = readConfig(runtime.env(), (path) => readFileSync(path, "utf8"));
  const choice = describeServerChoice(config);
  if (choice) console.error(choice);
  const automatic = process.stdout.isTTY ? "text" : "json";
  const format = config.LOG_FORMAT === "auto" ? automatic : config.LOG_FORMAT;
  const log = createLogger({ level: config.LOG_LEVEL, format });
  return { config, runtime, upgrade, log, version: denoConfig.version };
}

/** For those who embed Holdfast: starts all of it with the environment's settings; `stop()` ends it. */
export const startMonitoring = async () => await startServing(await createContext());

async function main(): Promise<number> {
  const context = await createContext();
  const [name = "serve", ...args] = context.runtime.args();
  const command = commands[name];
  if (!command) {
    throw new StartError(
      `There is no command ${name}; there are ${Object.keys(commands).join(", ")}`,
    );
  }
  return await command(context, args);
}

if (import.meta.main) {
  const { runtime } = await loadRuntime();
  try {
    runtime.exit(await main());
  } catch (error) {
    if (error instanceof UsageError) console.error(error.message);
    else if (error instanceof StartError) console.error(`Cannot start: ${error.message}`);
    else console.error(error);
    runtime.exit(1);
  }
}
