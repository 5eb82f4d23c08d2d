import type { Config } from "../../config/config.ts";
import type { PolicyRow } from "../../db/partitions/records/policies.ts";
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

/** Hours of the policy's time zone in which partitions may be detached, moved and dropped; they do not limit premaking. */
export interface MaintenanceWindow {
  /** ISO days of the week, 1 is Monday; default: every day. */
  days?: number[];
  /** "22:00" to "06:00" includes midnight and belongs to the day on which it begins. */
  from: string;
  to: string;
}

/** How the partitions of one table are made and retired. Intervals are in Postgres's own style. */
export interface Policy {
  schema: string;
  table: string;
  interval: string;
  /** Interval of sub-partitions, all made with their partition; null: partitions hold their rows themselves. */
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

/** Returns `schema.name`, as the API and the log name a table. */
export function tableOf({ schema, table }: { schema: string; table: string }): string {
  return `${schema}.${table}`;
}

/**
 * Returns the policy in force. That of market.ticks follows the settings until it is changed. The API validates policies;
 * an invalid row made by hand is refused where it is used.
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
