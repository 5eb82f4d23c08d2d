import { codeOf, describeDatabaseError } from "../../../db/errors.ts";
import { quoteIdent } from "../../../db/sql.ts";
import { sqlState } from "../../../db/sql_state.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import {
  findSession,
  listSessions,
  type SessionListing,
  type SessionRow,
  type SignalKind,
  signalSession,
} from "../../../db/activity/sessions.ts";
import { HoldfastError } from "../../../errors.ts";
import type { Logger } from "../../../log.ts";
import { redactSql } from "./redact.ts";

/** Who made the request, for the log. */
export interface Actor {
  role: string;
  requestId: string;
}

export interface Sessions {
  /** Returns the sessions of clients at this moment, active ones first; statements without their constants. */
  list(limit: number): Promise<SessionListing[]>;
  /**
   * Cancels the statement of a session, or ends the session. Throws not_found when there is none; conflict when it is not
   * the one that began at `backendStart`, or has just ended; forbidden for Holdfast's own and for those of a higher role.
   */
  signal(
    kind: SignalKind,
    target: { pid: number; backendStart: string | undefined },
    actor: Actor,
  ): Promise<SessionRow>;
}

const deadlineMs = 5_000;

function refusal(
  { pid, own, backend_type, backend_start }: SessionRow,
  expected: string | undefined,
) {
  if (expected !== undefined && Date.parse(expected) !== Date.parse(backend_start ?? "")) {
    return new HoldfastError(
      "conflict",
      `The session that had pid ${pid} has ended; another session has this pid`,
    );
  }
  if (own) return new HoldfastError("forbidden", `Session ${pid} is Holdfast's own`);
  if (!["client backend", "autovacuum worker"].includes(backend_type)) {
    return new HoldfastError("forbidden", `Session ${pid} is a ${backend_type}, not a client's`);
  }
  return undefined;
}

/** Says what lets Holdfast signal a session that the server does not let it signal. */
const wayOut = ({ of_superuser, asking }: SessionRow) =>
  of_superuser
    ? "Only a superuser may: the session is a superuser's."
    : `As a superuser, run: grant pg_signal_backend to ${quoteIdent(asking)}`;

/** Lists, cancels and ends sessions over the monitor's connection: the application's pool may be blocked. */
export function createSessions({ pool, log }: { pool: Pool; log: Logger }): Sessions {
  return {
    async list(limit) {
      const rows = await pool.run((sql) => listSessions(sql, limit), { deadlineMs });
      return rows.map((row) => ({ ...row, query: row.query ? redactSql(row.query) : null }));
    },
    async signal(kind, { pid, backendStart }, { role, requestId }) {
      const session = await pool.run((sql) => findSession(sql, pid), { deadlineMs });
      if (!session) throw new HoldfastError("not_found", `No session has the pid ${pid}`);
      const refused = refusal(session, backendStart);
      if (refused) throw refused;
      const done = await pool.run((sql) => signalSession(sql, session, kind), { deadlineMs }).catch(
        (error) => {
          if (codeOf(error) !== sqlState.insufficientPrivilege) throw error;
          throw new HoldfastError(
            "forbidden",
            `The server does not allow Holdfast's role to ${kind} session ${pid}: ${
              describeDatabaseError(error)
            }. ${wayOut(session)}`,
            { cause: error },
          );
        },
      );
      const { user, application, state, backend_start } = session;
      log.warn(`session_${kind}`, {
        pid,
        user,
        application,
        state,
        backend_start,
        done,
        by: role,
        request_id: requestId,
      });
      if (!done) throw new HoldfastError("conflict", `Session ${pid} has just ended`);
      return session;
    },
  };
}
