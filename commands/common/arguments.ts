import { parseArgs, type ParseArgsConfig } from "node:util";
import { messageOf } from "../../errors.ts";

/** An invalid command line; its message is printed without a stack. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UsageError";
  }
}

/** Reads flags and positional arguments; always allows `--help` and `-h`. Throws a UsageError that names an unknown flag. */
export function readArguments<T extends NonNullable<ParseArgsConfig["options"]>>(
  command: string,
  args: string[],
  options: T,
) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: { ...options, help: { type: "boolean", short: "h" } },
    });
  } catch (error) {
    const [first = ""] = messageOf(error).split(". ");
    throw new UsageError(`${first}; see deno task ${command} --help`);
  }
}

/** Throws a UsageError for arguments of a command that has only flags: they would be ignored. */
export function refusePositionals(command: string, [first]: readonly string[]): void {
  if (first === undefined) return;
  throw new UsageError(`${command} takes no ${first}; see deno task ${command} --help`);
}
