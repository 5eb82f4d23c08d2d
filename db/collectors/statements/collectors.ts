import { collectorOf } from "../collector.ts";
import statements from "./statements.sql" with { type: "text" };
import statements111 from "./statements_1_11.sql" with { type: "text" };

export interface StatementRow {
  taken_at: number;
  query_id: string;
  user_id: string;
  toplevel: boolean;
  calls: number;
  total_ms: number;
  rows: number;
  blocks_hit: number;
  blocks_read: number;
  temp_blocks: number;
  wal_bytes: number;
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
