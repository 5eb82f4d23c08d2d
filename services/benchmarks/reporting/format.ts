import type { TargetUnit } from "../categories.ts";

/** Formats an improvement: "+43 %", "2.1×" from twice on, or a capacity with its unit. */
export function improvementWords(value: number | null, unit: TargetUnit): string {
  if (value === null) return "–";
  if (unit !== "ratio") return `${Math.round(value).toLocaleString("en")} ${unit}`;
  if (value >= 1) return `${(1 + value).toFixed(value >= 9 ? 0 : 2)}×`;
  return `${value >= 0 ? "+" : "−"}${Math.abs(value * 100).toFixed(1)} %`;
}

/** Formats a throughput or a time with three digits and thousands separators. */
export function figureWords(value: number | null, unit: string): string {
  if (value === null) return "–";
  const text = value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
  return `${text} ${unit}`;
}
