import assert from "node:assert/strict";
import type { Alert } from "../../services/alerts/alert.ts";
import type { Rehearsal } from "../../services/rehearsals/rehearsal.ts";
import { plantTrades } from "../helpers/planted.ts";
import { slowTests, testWith } from "../helpers/skip.ts";
import { startApp } from "../helpers/test_app.ts";

interface Change {
  kind: string;
  subject: string;
  before: string | null;
  after: string | null;
}

testWith(
  slowTests,
  "a restore drill is followed by rehearsals, and a changed plan is reported",
  async () => {
    const app = await startApp({ HOLDFAST_REHEARSE_AFTER_DRILL: "1" });
    const query = "select count(*) from app.trades where note = 'cancelled'";
    const { backups, rehearsals } = app.holdfast;
    const list = async () =>
      (await app.json<{ rehearsals: Rehearsal[] }>("/api/rehearsals")).rehearsals;
    /** Takes a backup, restores it on trial, and rehearses until nothing is due. */
    async function night(): Promise<Rehearsal[]> {
      const before = (await list()).length;
      await app.post("/api/backups", {}).then((answer) => answer.body?.cancel());
      await backups.idle();
      await rehearsals.everyMinute();
      assert.equal((await list()).length, before, "nothing is due before the drill");
      const [{ id } = { id: "" }] = (await app.json<{ backups: { id: string }[] }>("/api/backups"))
        .backups;
      await app.post(`/api/backups/${id}/verify`, {}).then((answer) => answer.body?.cancel());
      await backups.idle();
      for (let last = -1; last !== (await list()).length;) {
        last = (await list()).length;
        await rehearsals.everyMinute();
        await rehearsals.idle();
      }
      return (await list()).slice(0, -before || undefined).toReversed();
    }
    try {
      await plantTrades(app.sql, 20_000);
      for (let run = 0; run < 30; run++) await app.sql.unsafe(query);
      const first = await night();
      assert.deepEqual(first[0]?.change, "analyze");
      const advised = first.find(({ change }) => change.includes('("note")'));
      assert.equal(advised?.source, "recommendation", JSON.stringify(first));
      assert.equal(advised?.status, "done", advised?.problems.join("; "));
      await app.sql.unsafe("create index trades_note on app.trades (note)");
      await night();
      const { changes } = await app.json<{ changes: Change[] }>("/api/changes");
      const told = changes.filter(({ kind, subject }) =>
        kind === "plan" && /note = /.test(subject)
      );
      assert.equal(told.length, 1, JSON.stringify(changes));
      assert.match(told[0]?.before ?? "", /Seq Scan on trades/);
      assert.match(told[0]?.after ?? "", /trades_note/);
      const plans = async () => {
        await app.holdfast.monitor.checkNow();
        const { alerts } = await app.json<{ alerts: Alert[] }>("/api/alerts");
        return alerts.filter(({ rule }) => rule === "plan_regression");
      };
      assert.deepEqual(await plans(), [], "a plan that became cheaper is no alert");
      await app.sql.unsafe("drop index app.trades_note");
      await night();
      const [alert, ...others] = await plans();
      assert.deepEqual(others, []);
      assert.match(alert?.scope ?? "", /^select count.* where note = /);
      const facts = new Map(alert?.evidence.map(({ name, value }) => [name, value]));
      assert.match((facts.get("before") as { plan: string }).plan, /trades_note/);
      assert.match((facts.get("after") as { plan: string }).plan, /Seq Scan on trades/);
    } finally {
      await app.stop();
    }
  },
);
