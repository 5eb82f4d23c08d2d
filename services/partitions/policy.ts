import type { Config } from "../../config/config.ts";
import type { PolicyRow } from "../../db/partitions/policies.ts";
import type { KeyKind } from "./axis/key.ts";

export const retentionActions = ["detach", "drop", "archive-then-drop", "move"] as const;
export type RetentionAction = typeof retentionActions[number];

export interface Retention {
  /** An interval, or a number of ids where the key is id. */
  keep: string;
  action: RetentionAction;
  /** Where `move` moves to. */
  schema?: string;
}

/** Hours of the policy's time zone in which partitions may be detached, moved and dropped; premake waits for none. */
export interface MaintenanceWindow {
  /** ISO days of the week, 1 is Monday; every day when left out. */
  days?: number[];
  /** "22:00" to "06:00" goes over midnight and belongs to the day it began. */
  from: string;
  to: string;
}

/** How one table is partitioned, ahead and behind. Intervals are in Postgres's own style. */
export interface Policy {
  schema: string;
  table: string;
  interval: string;
  /** Each partition is partitioned itself, into these, all made with it; null: partitions hold their rows themselves. */
  sub_interval: string | null;
  time_zone: string;
  key: KeyKind;
  premake: number;
  retention: Retention | null;
  cooldown: string;
  seal: boolean;
  enabled: boolean;
  windows: MaintenanceWindow[] | null;
}

/** `schema.name`, as the API and the log name a table. */
export function tableOf({ schema, table }: { schema: string; table: string }): string {
  return `${schema}.${table}`;
}

/**
 * A policy as it holds. That of market.ticks follows the settings until somebody sets it; what the API lets in is of
 * the right kinds, and a row made by hand that is not is refused where it is used.
 */
export function effectivePolicy(
  { shipped, ...row }: PolicyRow,
  config: Pick<Config, "HOLDFAST_PREMAKE_DAYS" | "HOLDFAST_RETENTION_DAYS">,
): Policy {
  const policy = { ...row, key: row.key as KeyKind, retention: row.retention as Retention | null };
  if (!shipped || tableOf(row) !== "market.ticks") return policy;
  const days = config.HOLDFAST_RETENTION_DAYS;
  return {
    ...policy,
    premake: config.HOLDFAST_PREMAKE_DAYS,
    retention: days > 0
      ? { keep: `${days} ${days === 1 ? "day" : "days"}`, action: "detach" }
      : null,
  };
}
