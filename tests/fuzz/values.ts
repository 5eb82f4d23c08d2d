/** A JSON schema as openapi.yaml has them, as far as values are made from it. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  format?: string;
  pattern?: string;
  example?: unknown;
  default?: unknown;
}

export interface Random {
  /** From 0 to 1. */
  next(): number;
  whole(below: number): number;
  pick<T>(from: readonly T[]): T;
  chance(of: number): boolean;
}

/** Makes a seeded generator (mulberry32, public domain): the same seed makes the same requests. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const whole = (below: number) => Math.floor(next() * below);
  return {
    next,
    whole,
    pick: (from) => from[whole(from.length)] as (typeof from)[number],
    chance: (of) => next() < of,
  };
}

/** Text that has broken parsers, queries and encodings before. */
const nastyTexts = [
  "",
  " ",
  "\0",
  "a\0b",
  "\ud800",
  "\udfff\ud800",
  "\u202e",
  "é",
  "漢字",
  "😀",
  "'; drop table market.ticks; --",
  '"',
  "\\",
  "%",
  "%00",
  "../../etc/passwd",
  "null",
  "NaN",
  "1e400",
  "-0",
  "0x10",
  " 5",
  "1e2",
  "+5",
  "9223372036854775808",
  "2026-02-30T00:00:00Z",
  "9999-12-31T23:59:59Z",
  "0001-01-01T00:00:00Z",
  "-infinity",
  "market.ticks",
  "holdfast.samples",
  "pg_catalog.pg_class",
  "no.such",
  "SPY",
  "connections",
  "x".repeat(300),
  "[".repeat(100),
];
const nastyValues: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e308,
  -1e308,
  5e-324,
  2 ** 53,
  -(2 ** 63),
  [],
  {},
  [[]],
  { a: { b: { c: [] } } },
];

export function nasty(random: Random): unknown {
  return random.chance(0.6) ? random.pick(nastyTexts) : random.pick(nastyValues);
}

export const nastyText = (random: Random): string => random.pick(nastyTexts);

function text(schema: Schema, random: Random): string {
  const { format, pattern, minLength = 0, maxLength = 20 } = schema;
  if (format === "uuid") return crypto.randomUUID();
  if (format === "date-time") {
    return new Date(Date.now() - random.whole(10) * 86_400_000).toISOString();
  }
  if (pattern?.includes("[0-9a-f]{64}")) return "ab".repeat(32);
  if (pattern?.startsWith("^\\d{8}T")) return "20010101T000000Z-abcdef";
  if (pattern?.includes("\\d")) return String(random.whole(1_000));
  const length = Math.max(minLength, Math.min(maxLength, 1 + random.whole(12)));
  return Array.from({ length }, () => random.pick([..."abcdefgh.XYZ_"])).join("");
}

/** Makes a value that fits a schema, with something wrong here and there: `wrong` is how often, from 0 to 1. */
export function valueOf(
  schema: Schema,
  resolve: (ref: string) => Schema,
  random: Random,
  wrong: number,
  depth = 0,
): unknown {
  if (random.chance(wrong) || depth > 8) return nasty(random);
  const inner = (one: Schema) => valueOf(one, resolve, random, wrong, depth + 1);
  if (schema.$ref) return inner(resolve(schema.$ref));
  if (schema.example !== undefined && random.chance(0.5)) return schema.example;
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return random.pick(schema.enum);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return inner(random.pick(choices));
  if (schema.allOf?.[0]) return inner(schema.allOf[0]);
  const type = Array.isArray(schema.type) ? random.pick(schema.type) : schema.type;
  switch (type) {
    case "object": {
      const required = new Set(schema.required ?? []);
      const entries = Object.entries(schema.properties ?? {})
        .filter(([name]) => required.has(name) ? !random.chance(wrong) : random.chance(0.5))
        .map(([name, one]) => [name, inner(one)]);
      if (random.chance(wrong)) entries.push([nastyText(random), nasty(random)]);
      return Object.fromEntries(entries);
    }
    case "array":
      return Array.from(
        { length: (schema.minItems ?? 0) + random.whole(3) },
        () => inner(schema.items ?? {}),
      );
    case "integer": {
      const least = schema.minimum ?? 0;
      return least + random.whole(Math.min(1_000, (schema.maximum ?? least + 1_000) - least + 1));
    }
    case "number":
      return random.next() * 100;
    case "boolean":
      return random.chance(0.5);
    case "null":
      return null;
    default:
      return text(schema, random);
  }
}
