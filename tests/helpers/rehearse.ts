import assert from "node:assert/strict";
import type { Rehearsal } from "../../services/rehearsals/rehearsal.ts";
import type { TestApp } from "./test_app.ts";

/** Begins a rehearsal through the API. */
export async function beginRehearsal(app: TestApp, body: unknown): Promise<Rehearsal> {
  const answer = await app.post("/api/rehearsals", body);
  const begun: Rehearsal = await answer.json();
  assert.equal(answer.status, 202, JSON.stringify(begun));
  assert.equal(answer.headers.get("location"), `/api/rehearsals/${begun.id}`);
  return begun;
}

/** Rehearses to the end. */
export async function rehearse(app: TestApp, body: unknown): Promise<Rehearsal> {
  const { id } = await beginRehearsal(app, body);
  await app.holdfast.rehearsals.idle();
  return await app.json<Rehearsal>(`/api/rehearsals/${id}`);
}

/** What a day's trades are asked. */
export const tradesWorkload = [
  {
    sql:
      "select count(*), avg(price) from app.trades where symbol_id = $1 and ts >= $2 and ts < $3",
    params: [
      [3, "2026-11-24 15:00:00+00", "2026-11-24 15:05:00+00"],
      [150, "2026-11-24 17:00:00+00", "2026-11-24 18:00:00+00"],
    ],
  },
  { sql: "select * from app.trades where symbol_id = $1 order by ts desc limit 1" },
  { sql: "select count(*) from app.trades where note = $1" },
];
