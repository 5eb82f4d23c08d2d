import type { CollectorRows } from "../../../db/collectors/list.ts";
import type { Signal, TrendSource, View } from "./signal.ts";

type IoRow = CollectorRows["io"];

const columns = ["read_bytes", "write_bytes", "writes", "fsyncs"] as const;
type Column = (typeof columns)[number];

const trendName = ({ backend, object }: IoRow, column: Column) =>
  `io ${backend} ${object} ${column}`;

/** Returns the sum of the slopes of the rows that `choose` takes; null while one of them is unknown. */
function sumRates(
  { rows, slope }: View,
  column: Column,
  choose: (row: IoRow) => boolean,
): number | null {
  const chosen = rows("io")?.filter(choose);
  if (!chosen) return null;
  let sum = 0;
  for (const row of chosen) {
    const perSecond = slope(trendName(row, column));
    if (perSecond === undefined) return null;
    sum += perSecond;
  }
  return sum;
}

const relations = ({ object }: IoRow) => object !== "wal";
const byClients = (row: IoRow) => relations(row) && row.backend === "client_backend";

/** Signals of pg_stat_io: means of the last five minutes. */
export const ioSignals: readonly Signal[] = [
  {
    name: "io_read_bytes_per_second",
    unit: "bytes_per_second",
    collector: "io",
    about: "Bytes of relations that all backends read from the operating system",
    read: (view) => sumRates(view, "read_bytes", relations),
  },
  {
    name: "io_write_bytes_per_second",
    unit: "bytes_per_second",
    collector: "io",
    about: "Bytes of relations that all backends wrote to the operating system",
    read: (view) => sumRates(view, "write_bytes", relations),
  },
  {
    name: "io_client_writes_per_second",
    unit: "per_second",
    collector: "io",
    about:
      "Writes by client backends themselves: the background writer and the checkpointer do not keep up",
    read: (view) => sumRates(view, "writes", byClients),
  },
  {
    name: "io_client_fsyncs_per_second",
    unit: "per_second",
    collector: "io",
    about: "Fsyncs by client backends themselves; 0 on a healthy server",
    read: (view) => sumRates(view, "fsyncs", byClients),
  },
];

export const ioTrends: readonly TrendSource[] = [{
  collector: "io",
  windowMs: 300_000,
  points: ({ rows }) =>
    rows("io")?.flatMap((row) =>
      columns.map((column) => ({
        name: trendName(row, column),
        value: row[column],
        counter: true,
        epoch: row.stats_reset,
      }))
    ),
}];
