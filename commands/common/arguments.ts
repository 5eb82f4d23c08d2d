import { parseArgs, type ParseArgsConfig } from "node:util";
import { messageOf } from "../../errors.ts";

/** The command line is not as it should be; its message is all that a person needs. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UsageError";
  }
}

/** Reads flags and names; throws a UsageError that names an unknown flag. `--help` and `-h` are always known. */
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
