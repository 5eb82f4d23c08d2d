import { z } from "zod";

const decimal = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i;

/** A number from decimal digits or a JSON number, within bounds; blanks, null and true are none. */
export const decimalNumber = (min: number, max: number) =>
  z.preprocess(
    (value) => typeof value === "string" && decimal.test(value) ? Number(value) : value,
    z.number().min(min).max(max),
  );

/** A whole number as `decimalNumber` reads it, within bounds. */
export const whole = (min: number, max: number) => decimalNumber(min, max).pipe(z.int());
export const text = z.string().trim().min(1);
export const flag = z.preprocess(
  (value) =>
    typeof value === "string"
      ? ({ "1": true, true: true, yes: true, "0": false, false: false, no: false, "": false }[
        value.toLowerCase()
      ] ?? value)
      : value === 1 || value === 0 // in the file of HOLDFAST_CONFIG
      ? value === 1
      : value,
  z.boolean(),
);
export const list = z.preprocess(
  (value) =>
    typeof value === "string" ? value.split(",").map((item) => item.trim()).filter(Boolean) : value,
  z.array(text),
);

export interface Setting<S extends z.ZodType> {
  schema: S;
  /** What it does, for docs/configuration.md. */
  about: string;
  /** What is allowed, in a person's words, for the message that stops a start. */
  allowed: string;
  secret?: boolean;
}

/** A setting: its schema, what is allowed, what it does; a secret is never shown. */
export function setting<S extends z.ZodType>(
  schema: S,
  allowed: string,
  about: string,
  secret = false,
): Setting<S> {
  return { schema, about, allowed, secret };
}
