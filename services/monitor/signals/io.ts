import type { CollectorRows } from "../../../db/collectors/rows.ts";
import type { Signal, View } from "./signal.ts";

type IoRow = CollectorRows["io"];

/** The sum of the noted slopes of the rows that `choose` takes. */
function sumRates(
  { rows, slope }: View,
  column: "read_bytes" | "write_bytes" | "writes" | "fsyncs",
  choose: (row: IoRow) => boolean,
): number | null {
  const chosen = rows("io")?.filter(choose);
  if (!chosen) return null;
  let sum = 0;
  for (const { backend, object } of chosen) {
    const perSecond = slope(`io ${backend} ${object} ${column}`);
    if (perSecond === undefined) return null;
    sum += perSecond;
  }
  return sum;
}

const relations = ({ object }: IoRow) => object !== "wal";
const byClients = (row: IoRow) => relations(row) && row.backend === "client_backend";

/** From pg_stat_io; means of the last five minutes. */
export const ioSignals: readonly Signal[] = [
  {
    name: "io_read_bytes_per_second",
    unit: "bytes_per_second",
    collector: "io",
    about: "Bytes of relations read from the system, by all backends",
    read: (view) => sumRates(view, "read_bytes", relations),
  },
  {
    name: "io_write_bytes_per_second",
    unit: "bytes_per_second",
    collector: "io",
    about: "Bytes of relations written to the system, by all backends",
    read: (view) => sumRates(view, "write_bytes", relations),
  },
  {
    name: "io_client_writes_per_second",
    unit: "per_second",
    collector: "io",
    about: "Writes that clients had to do themselves: the background writer and checkpoints lag",
    read: (view) => sumRates(view, "writes", byClients),
  },
  {
    name: "io_client_fsyncs_per_second",
    unit: "per_second",
    collector: "io",
    about: "Fsyncs that clients had to do themselves; anything but 0 is trouble",
    read: (view) => sumRates(view, "fsyncs", byClients),
  },
];
