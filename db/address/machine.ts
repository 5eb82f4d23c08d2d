import { existsSync, readFileSync, statSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import type { Environment, Machine } from "./address.ts";

/** Returns what `ask` returns, or undefined where it may not be asked. */
function orUndefined<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch {
    return undefined;
  }
}

/**
 * Returns this machine as the reading of an address needs it, with the environment's variables as given. The variables
 * come first, since asking the system takes a permission that a terminal would be prompted for.
 */
export function thisMachine(env: Environment): Machine {
  return {
    env,
    home: env.HOME || orUndefined(homedir) || "/",
    userName: () => env.USER || env.LOGNAME || orUndefined(() => userInfo().username) || "postgres",
    readFile: (path) => orUndefined(() => readFileSync(path, "utf8")),
    exists: (path) => orUndefined(() => existsSync(path)) ?? false,
    isOpenToOthers: (path) => ((orUndefined(() => statSync(path).mode) ?? 0) & 0o077) !== 0,
  };
}
