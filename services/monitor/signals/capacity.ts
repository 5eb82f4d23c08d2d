import type { Signal } from "./signal.ts";

export const capacitySignals: readonly Signal[] = [
  {
    name: "slot_safe_ratio",
    unit: "ratio",
    collector: "slots",
    of: "slot",
    about:
      "Share of max_slot_wal_keep_size that is left before the slot is lost; unknown without that setting",
    read: ({ rows }) =>
      rows("slots")?.map(({ slot, safe_bytes, retained_bytes }) => ({
        scope: slot,
        value: safe_bytes === null || retained_bytes === null || safe_bytes + retained_bytes <= 0
          ? null
          : Math.max(0, safe_bytes) / (Math.max(0, safe_bytes) + retained_bytes),
      })),
  },
];
