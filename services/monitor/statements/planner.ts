import { describeDatabaseError, isAnswer, sqlStateOf } from "../../../db/errors.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import { quoteIdent } from "../../../db/sql.ts";
import { sqlState } from "../../../db/sql_state.ts";
import {
  explainGenericPlan,
  readStatementSource,
  type StatementSource,
} from "../../../db/statements/plan.ts";
import { HoldfastError } from "../../../errors.ts";
import { dropOldest } from "../../../lib/bounded.ts";
import type { Clock } from "../../../lib/clock.ts";
import { createSerialQueue } from "../../../lib/serial_queue.ts";
import { comparableShape } from "../../rehearsals/replay/plan_text.ts";
import { kindOf, mendTypeWords } from "../../rehearsals/workload/sql_text.ts";
import type { Changes } from "../diagnosis/changes.ts";
import type { Snapshot } from "../snapshot.ts";
import { type PlanTree, readPlanTree } from "./plan_tree.ts";

/** The generic plan of a statement, or why there is none. */
export interface StatementPlan {
  query_id: string;
  status: "known" | "unknown";
  /** Why there is no plan. */
  detail: string;
  /** A statement that an administrator can run so that there is one; null where none would help. */
  remedy: string | null;
  /** The whole text, as far as it is known. */
  query: string | null;
  /** The role with whose rights it was planned. */
  role: string | null;
  /** Milliseconds since 1970. */
  plannedAt: number;
  plan: PlanTree | null;
}

export interface Planner {
  /**
   * Plans a statement of pg_stat_statements with parameters in place of its constants; a plan is kept for half a minute.
   * Throws not_found, and overloaded when too many wait.
   */
  plan(id: string): Promise<StatementPlan>;
}

const charactersMax = 100_000;
const readDeadlineMs = 6_000;
const planMs = 3_000;
const lockTimeoutMs = 300;
const keptMs = 30_000;
const keptMax = 100;
/** Requests that may wait for their turn: plans are made one at a time. */
const waitingMax = 10;
const shapesMax = 1_000;

type Reason = Pick<StatementPlan, "detail" | "remedy">;

const reason = (detail: string, remedy: string | null = null): Reason => ({ detail, remedy });

/** Returns the version of this server and the schema of its pg_stat_statements, or why it gives no plan at all. */
function serverOf({ readings }: Snapshot): { version: number; schema: string } | Reason {
  const server = readings.server.value?.[0];
  if (!server) return reason("the server's version is not known yet");
  if (server.statements_schema === null) {
    return reason(
      "pg_stat_statements is not installed in this database",
      "create extension pg_stat_statements",
    );
  }
  if (server.in_recovery) {
    return reason("this server is a standby: ask the Holdfast of its primary");
  }
  return { version: server.version_number, schema: server.statements_schema };
}

/** Returns why a statement cannot be planned; undefined where it can be tried. Pure. */
export function reasonOfSource(source: StatementSource, version: number): Reason | undefined {
  const { query, role, own, may_become, session_role } = source;
  if (query === null) {
    return reason(`its text is not shown, or is longer than ${charactersMax} characters`);
  }
  if (kindOf(query) === "other") {
    return reason(
      "only select, insert, update, delete, merge, values, table and with have a plan; this is another command",
    );
  }
  if (role === null) return reason("the role that ran it has been dropped");
  if (!own && !may_become) {
    const options = version >= 160_000 ? " with inherit false, set true" : "";
    return reason(
      `a statement is planned with the rights of the role that ran it, ${role}, and Holdfast's role may not become it`,
      `grant ${quoteIdent(role)} to ${quoteIdent(session_role)}${options}`,
    );
  }
  return undefined;
}

/** Returns what the server's refusal to plan means; undefined for an error that is none. */
function reasonOfError(error: unknown, { role, database }: StatementSource): Reason | undefined {
  if (!isAnswer(error)) return undefined;
  const words = describeDatabaseError(error);
  switch (sqlStateOf(error)) {
    case sqlState.queryCanceled:
      return reason(`it was not planned within ${planMs / 1000} s`);
    case sqlState.lockNotAvailable:
      return reason("a table that it uses is locked: GET /api/locks shows by whom");
    case sqlState.readOnlySqlTransaction:
      return reason(
        "this session is read-only, and a plan needs a temporary function, which is rolled back",
      );
    case sqlState.insufficientPrivilege:
      return /temporary/.test(words)
        ? reason(
          `role ${role} may not create the temporary function that plans it (${words})`,
          `grant temporary on database ${quoteIdent(database)} to ${quoteIdent(role ?? "")}`,
        )
        : reason(`role ${role}, which ran it, no longer has the rights to (${words})`);
    case sqlState.undefinedTable:
      return reason(
        `a table is not in the search_path of role ${role}, or no longer exists (${words})`,
      );
    case sqlState.syntaxError:
      return reason(`without its constants the text is no statement (${words})`);
    default:
      return reason(`the server does not plan it (${words})`);
  }
}

/** Makes the planner. It plans one statement at a time, so that it holds one connection at most. */
export function createPlanner(
  { pool, snapshot, changes, clock }: {
    pool: Pick<Pool, "run">;
    snapshot: () => Snapshot;
    changes: Pick<Changes, "note">;
    clock: Clock;
  },
): Planner {
  const queue = createSerialQueue();
  const kept = new Map<string, StatementPlan>();
  /** The last shape of each statement's plan. */
  const shapes = new Map<string, string>();
  let waiting = 0;
  const now = () => clock.now().getTime();

  /** Adds a change of plan to the change log, by which a statement that became slower is explained. */
  function noteShape(id: string, query: string, answer: unknown): void {
    const after = comparableShape(answer);
    const before = shapes.get(id);
    if (after === null) return;
    shapes.delete(id);
    shapes.set(id, after);
    dropOldest(shapes, shapesMax);
    if (before === undefined || before === after) return;
    const subject = query.replaceAll(/\s+/g, " ").trim().slice(0, 300);
    changes.note([{ at: now(), kind: "plan", subject, before, after }]);
  }

  async function make(id: string): Promise<StatementPlan> {
    const none = ({ detail, remedy }: Reason, source?: StatementSource): StatementPlan => ({
      query_id: id,
      status: "unknown",
      detail,
      remedy,
      query: source?.query ?? null,
      role: source?.role ?? null,
      plannedAt: now(),
      plan: null,
    });
    const server = serverOf(snapshot());
    if ("detail" in server) return none(server);
    const { schema, version } = server;
    const source = await pool.run(
      (sql) => readStatementSource(sql, schema, id, charactersMax),
      { deadlineMs: readDeadlineMs },
    );
    if (!source) {
      throw new HoldfastError(
        "not_found",
        `No statement of this database has the id ${id}: it was evicted or reset, or Holdfast's role may not see it (pg_monitor)`,
      );
    }
    const refused = reasonOfSource(source, version);
    if (refused || source.query === null) {
      return none(refused ?? reason("its text is not shown"), source);
    }
    const text = mendTypeWords(source.query);
    try {
      const answer = await pool.run(
        (sql) =>
          explainGenericPlan(sql, { text, version, source, timeoutMs: planMs, lockTimeoutMs }),
        { deadlineMs: planMs + readDeadlineMs },
      );
      const plan = readPlanTree(answer);
      if (!plan) return none(reason("the server returned no plan"), source);
      noteShape(id, source.query, answer);
      return { ...none(reason(""), source), status: "known", plan };
    } catch (error) {
      const why = reasonOfError(error, source);
      if (!why) throw error;
      return none(why, source);
    }
  }

  return {
    async plan(id) {
      const before = kept.get(id);
      if (before && now() - before.plannedAt < keptMs) return before;
      if (waiting >= waitingMax) {
        throw new HoldfastError("overloaded", `${waitingMax} plans wait already: ask again later`, {
          retryAfterSeconds: 5,
        });
      }
      waiting++;
      try {
        const made = await queue.run(() => make(id));
        kept.delete(id);
        // A refusal is not kept: the grant that it names may be made within the moment.
        if (made.status === "known") kept.set(id, made);
        dropOldest(kept, keptMax);
        return made;
      } finally {
        waiting--;
      }
    },
  };
}
