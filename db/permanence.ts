import { codeOf, describeDatabaseError, driverError } from "./errors.ts";

/**
 * Classes of SQLSTATE that the same statement meets again until somebody changes the data, the schema or a grant
 * (manual, appendix A): data exceptions, violated constraints, names and rights, unsupported features, dependent
 * objects, what a trigger raises.
 */
const permanentClasses = new Set(["0A", "22", "23", "2B", "3D", "3F", "42", "44", "P0"]);

/** Says whether trying again is in vain, as opposed to locks, deadlocks, lost connections, lack of space or memory. */
export function isPermanent(error: unknown): boolean {
  return permanentClasses.has(codeOf(error).slice(0, 2));
}

/** An error of the server in parts, for programs and people. */
export interface DatabaseFailure {
  sqlstate: string | null;
  message: string;
  detail: string | null;
  constraint: string | null;
  column: string | null;
}

/** Splits up what the server said; fields it did not give are null. */
export function failureOf(error: unknown): DatabaseFailure {
  const fields = (driverError(error) ?? {}) as Record<string, unknown>;
  const text = (name: string) => {
    const value = fields[name];
    return typeof value === "string" && value !== "" ? value : null;
  };
  return {
    sqlstate: codeOf(error) || null,
    message: describeDatabaseError(error),
    detail: text("detail"),
    constraint: text("constraint_name"),
    column: text("column_name"),
  };
}
