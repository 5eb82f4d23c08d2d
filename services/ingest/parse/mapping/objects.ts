import { HoldfastError } from "../../../../errors.ts";
import { type ParsedTick, type Refusal, refuse } from "../../tick.ts";
import { layOut } from "./layout.ts";
import type { MappingOptions } from "./options.ts";
import { createRowMapper, type RowMapper } from "./row_mapper.ts";

/** Layouts kept per body: the objects of one feed have only a few sets of keys. */
const shapesMax = 64;

/** Longer numbers may not fit a double: nanoseconds, seconds with microseconds, trade ids. */
const exactLength = 15;

/** Parses JSON and returns numbers that a double may round as text. */
export function parseKeepingDigits(text: string): unknown {
  const keep = (_: string, value: unknown, context?: { source?: string }): unknown => {
    const source = typeof value === "number" ? context?.source : undefined;
    if (source === undefined) return value;
    // An integer with a decimal point shows that it does not count smaller units.
    const pointed = Number.isInteger(value) && source.includes(".");
    if (source.length <= exactLength && !pointed) return value;
    return /^-?\d+(\.\d+)?$/.test(source) ? source : value;
  };
  return JSON.parse(text, keep as (key: string, value: unknown) => unknown);
}

const keyWords = { missing: "keys are ", describe: () => "" };

/** Creates the mapper from objects to ticks. A refused row is kept in its mapped form. */
export function createObjectMapper(
  options: MappingOptions,
  nowUs: number,
): (value: object, line: number) => ParsedTick | Refusal {
  const mappers = new Map<string, RowMapper | HoldfastError>();
  const lenient = { ...options, ignoreUnknown: true };

  function mapperOf(keys: readonly string[]): RowMapper | HoldfastError {
    const shape = keys.join("\0");
    let mapper = mappers.get(shape);
    if (mapper === undefined) {
      if (mappers.size >= shapesMax) mappers.clear();
      try {
        mapper = createRowMapper(layOut(keys, lenient, keyWords), options, nowUs);
      } catch (error) {
        if (!(error instanceof HoldfastError)) throw error;
        mapper = error;
      }
      mappers.set(shape, mapper);
    }
    return mapper;
  }

  return (value, line) => {
    const mapper = mapperOf(Object.keys(value));
    if (typeof mapper === "function") return mapper(Object.values(value), line);
    const message = mapper.problems[0]?.message ?? mapper.message;
    return refuse(line, "line", message, `unmapped: ${JSON.stringify(value)}`);
  };
}
