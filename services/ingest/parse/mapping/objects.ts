import { HoldfastError } from "../../../../errors.ts";
import { type ParsedTick, type Refusal, refuse } from "../../tick.ts";
import { layOut } from "./layout.ts";
import type { MappingOptions } from "./options.ts";
import { createRowMapper, type RowMapper } from "./row_mapper.ts";

/** Objects of one feed have a few sets of keys, not more. */
const shapesMax = 64;

/** Longer numbers are perhaps no double: nanoseconds, seconds with microseconds, trade numbers. */
const exactLength = 15;

/** Reads JSON and keeps numbers that a double may round as their text. */
export function parseKeepingDigits(text: string): unknown {
  const keep = (_: string, value: unknown, context?: { source?: string }): unknown => {
    const source = typeof value === "number" ? context?.source : undefined;
    if (source === undefined) return value;
    // A whole number with a point says that it counts no smaller units.
    const pointed = Number.isInteger(value) && source.includes(".");
    if (source.length <= exactLength && !pointed) return value;
    return /^-?\d+(\.\d+)?$/.test(source) ? source : value;
  };
  return JSON.parse(text, keep as (key: string, value: unknown) => unknown);
}

const keyWords = { missing: "keys are ", describe: () => "" };

/** Makes ticks of objects whose keys are mapped. A row that is refused is kept as what it was mapped to. */
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
