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

/** Rehearses several times and checks each result; reports verdict, seed and summary of each. */
export async function rehearseTimes(
  app: TestApp,
  runs: number,
  body: unknown,
  check: (found: Rehearsal) => void,
): Promise<void> {
  for (let run = 0; run < runs; run++) {
    const found = await rehearse(app, body);
    assert.equal(found.status, "done", found.problems.join("; "));
    console.log(`    ${found.verdict} (seed ${found.seed}): ${found.summary}`);
    check(found);
  }
}

/** Returns the verdict on the statement whose text contains `part`. */
export const verdictOf = (found: Rehearsal, part: string) =>
  found.statements.find(({ query }) => query.includes(part))?.verdict;

/** Fails if the change is said to have made a statement faster or slower that it cannot have reached. */
export function assertUnreached(found: Rehearsal, part: string): void {
  const verdict = verdictOf(found, part) ?? "missing";
  assert.ok(["no_difference", "unclear"].includes(verdict), `${verdict}: ${found.summary}`);
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
