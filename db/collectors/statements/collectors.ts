import { collectorOf } from "../collector.ts";
import statements from "./statements.sql" with { type: "text" };
import statements111 from "./statements_1_11.sql" with { type: "text" };

/** The counters of a statement that add up. */
export const workFields = [
  "calls",
  "total_ms",
  "rows",
  "blocks_hit",
  "blocks_read",
  "temp_blocks",
  "wal_bytes",
] as const;

/** The calls of a statement and their cost; blocks have the server's block size. */
export type StatementWork = Record<(typeof workFields)[number], number>;

export interface StatementRow extends StatementWork {
  taken_at: number;
  query_id: string;
  user_id: string;
  toplevel: boolean;
  stats_since: number | null;
}

/** The counters of pg_stat_statements. */
export const statementCollectors = [
  collectorOf<StatementRow>()({
    name: "statements",
    tier: "stats",
    grant: "pg_monitor",
    questions: [
      { minVersion: 140_000, minStatements: "1.11", sql: statements111 },
      { minVersion: 140_000, minStatements: "1.9", sql: statements },
    ],
  }),
];
