// What the numbers of a benchmark category mean in words. Pure.
import { compact, number, UNKNOWN } from "../lib/format.js";

const KINDS = {
  calculation_performance: "times",
  high_frequency_capacity: "per_minute",
};

const ASKS = {
  insert_performance: "How much faster inserts are than into a naive table",
  calculation_performance: "How much faster float8 is than numeric in computations",
  high_frequency_capacity: "Highest sustained inserts at the p99 limit",
  query_performance: "How much faster the usual queries are than on a naive table",
  connection_pool: "How much faster concurrent work is than with naive connections",
  partition_maintenance: "How much shorter writers stall while partitions rotate",
  monitoring_overhead: "Cost of monitoring for the database",
  broadcast_fanout: "How fast one message reaches every browser",
};

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

export const asks = (category) => ASKS[category] ?? "";

/**
 * Words for an improvement, an end of its interval or a target, all of them throughput ratios minus
 * one: 0.42 is "42 %" of gain, "1.4×" for calculations. A capacity comes as it is, inserts a minute.
 */
export function improvementWords(row, value) {
  if (!isNumber(value)) return UNKNOWN;
  switch (KINDS[row.category]) {
    case "times":
      return `${number(1 + value)}×`;
    case "per_minute":
      return `${compact(value)}/min`;
    default:
      return `${number(value * 100)} %`;
  }
}

/** "12.1 k → 31 k rows/s", or what is known of it. */
export function fromTo(row) {
  const unit = row.unit ? ` ${row.unit}` : "";
  if (KINDS[row.category] === "per_minute") return "";
  if (!isNumber(row.current) || !isNumber(row.baseline)) return "";
  return `${compact(row.baseline)} → ${compact(row.current)}${unit}`;
}
