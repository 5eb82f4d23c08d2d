import { HoldfastError, messageOf } from "../../errors.ts";
import {
  optionNames,
  readMappingOptions,
  type WrittenOptions,
} from "../../services/ingest/parse/mapping/options.ts";
import { UsageError } from "./arguments.ts";

const namesShown = 20;

/** The flags of `import` that describe the format of files. */
export const mappingFlags = {
  "columns": { type: "string" },
  "symbol": { type: "string" },
  "exchange": { type: "string" },
  "time-unit": { type: "string" },
  "time-zone": { type: "string" },
  "date-order": { type: "string" },
  "preset": { type: "string" },
  "header": { type: "boolean" },
  "no-header": { type: "boolean" },
  "delimiter": { type: "string" },
  "decimal": { type: "string" },
  "ignore-unknown": { type: "boolean" },
} as const;

const flagOf = (option: string) => `--${option.replaceAll("_", "-")}`;

/** Returns the flags as options of a request. Throws a UsageError that names an invalid flag. */
export function readMappingFlags(
  values: Partial<Record<keyof typeof mappingFlags, string | boolean | undefined>>,
): WrittenOptions {
  if (values.header && values["no-header"]) {
    throw new UsageError("Give only one of --header and --no-header");
  }
  const written: WrittenOptions = {};
  for (const name of optionNames) {
    const value = values[name.replaceAll("_", "-") as keyof typeof mappingFlags];
    if (value !== undefined) written[name] = String(value);
  }
  if (values["no-header"]) written.header = "false";
  try {
    readMappingOptions(written);
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    const [problem] = error.problems;
    throw new UsageError(`${flagOf(problem?.path ?? "")}: ${problem?.message ?? error.message}`);
  }
  return written;
}

/** Returns the message of an error and, on a line of its own, the remedy if there is one. */
export function faultLines(error: unknown): string {
  const message = messageOf(error);
  const problem = error instanceof HoldfastError ? error.problems[0] : undefined;
  if (!problem || message.includes(problem.message)) return message;
  const more = problem.message.startsWith(message)
    ? problem.message.slice(message.length).replace(/^[;:] /, "")
    : `${problem.path}: ${problem.message}`;
  return `${message}\n  ${more}`;
}

/** Returns a line that lists ignored columns. */
export function columnsLeftOut(names: readonly string[]): string {
  const rest = names.length - namesShown;
  return `  ignored columns: ${names.slice(0, namesShown).join(", ")}${
    rest > 0 ? ` and ${rest} more` : ""
  }`;
}
