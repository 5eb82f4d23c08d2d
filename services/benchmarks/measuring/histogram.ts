import * as hdr from "hdr-histogram-js";

/** Latencies in milliseconds. */
export interface LatencySummary {
  count: number;
  p50: number;
  p95: number;
  p99: number;
  p999: number;
  max: number;
}

export interface Latencies {
  /** Records one latency in milliseconds, from 1 µs to one hour, with three significant digits. */
  record(ms: number): void;
  add(other: Latencies): void;
  /** Returns the latency that `share` (0 to 1) of all latencies do not exceed; milliseconds. */
  quantile(share: number): number;
  summary(): LatencySummary;
  readonly count: number;
  /** The underlying histogram, for `add`. */
  readonly histogram: hdr.Histogram;
}

const microsPerMs = 1_000;
const highestMicros = 3_600_000_000;

/** Creates an HDR histogram of latencies, as exact in the tail as in the middle. */
export function createLatencies(): Latencies {
  const histogram = hdr.build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: highestMicros,
    numberOfSignificantValueDigits: 3,
    useWebAssembly: false,
  });
  const quantile = (share: number) => histogram.getValueAtPercentile(share * 100) / microsPerMs;
  return {
    histogram,
    record(ms) {
      const micros = Math.round(ms * microsPerMs);
      histogram.recordValue(Math.min(highestMicros, Math.max(1, micros)));
    },
    add: (other) => histogram.add(other.histogram),
    quantile,
    get count() {
      return histogram.totalCount;
    },
    summary: () => ({
      count: histogram.totalCount,
      p50: quantile(0.5),
      p95: quantile(0.95),
      p99: quantile(0.99),
      p999: quantile(0.999),
      max: histogram.maxValue / microsPerMs,
    }),
  };
}
