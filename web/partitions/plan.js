// What rotation would do to a table, statement by statement with its lock; applied as shown or not at all.
import { request } from "../lib/api.js";
import { bytes, counted, duration, number } from "../lib/format.js";
import { html, useEffect, useState } from "../lib/view.js";
import { May, Sure } from "../parts/controls.js";
import { Failed, Note, Panel } from "../parts/panel.js";
import { Sql } from "../parts/sql.js";
import { useAction } from "../parts/use_api.js";
import { toast } from "../state.js";

const MOST = 50;
const DESTRUCTIVE = ["drop", "archive"];

const statements = (plan) => counted(plan.statements.length, "statement");

/** The reasons for leaving a table out that are not among the warnings too. */
const notWarned = ({ skipped, warnings }) =>
  skipped.filter(({ table, reason }) => !warnings.includes(`${table}: ${reason}`));

/** An empty plan of a table that is left out does not mean that nothing is due. */
const nothing = ({ skipped, warnings }) =>
  skipped.length + warnings.length > 0 ? "No statement is planned." : "Nothing is due.";

/** Each change of `due` to another number than 0 asks for a plan, as the button does. */
export function PartitionPlan({ table, applied, due = 0 }) {
  const [plan, show] = useState(null);
  const planning = useAction();
  const applying = useAction();
  const ask = () =>
    planning.run(async () =>
      show(
        await request("/api/partitions/plan", {
          method: "POST",
          body: { table },
          deadline: 30_000,
        }),
      )
    );
  useEffect(() => {
    if (due > 0) ask();
  }, [due]);
  const held = plan?.statements.some((one) => one.held);
  const apply = () =>
    applying.run(async () => {
      const done = await request("/api/partitions/apply", {
        method: "POST",
        body: { digest: plan.digest, table, ...(held ? { confirm: true } : {}) },
        deadline: 120_000,
      });
      toast(
        `${done.applied} statements applied${
          done.skipped.length > 0 ? `, ${done.skipped.length} skipped` : ""
        }`,
        done.skipped.length > 0 ? "warning" : "done",
      );
      show(null);
      applied();
    });
  const unsaid = plan ? notWarned(plan) : [];
  const drops = plan?.statements.filter(({ action }) => DESTRUCTIVE.includes(action)).length ?? 0;
  return html`
    <${Panel} title="Plan" aside="every statement that is due, with its lock; a plan changes nothing"
      tools=${html`<${May}><button type="button" class="small" disabled=${planning.busy} onClick=${ask}>${
        plan ? "Plan again" : "Plan"
      }</button><//>`}>
        <${Failed} action=${planning} what="No plan" /><${Failed} action=${applying} what="Not applied" />
        ${plan && html`
          ${plan.warnings.map((one) => html`<${Note} key=${one}>${one}<//>`)}
          ${unsaid.map((one) =>
            html`<${Note} key=${one.table} tone="info">${one.table} is skipped: ${one.reason}<//>`
          )}
          ${plan.statements.length === 0 ? html`<p class="empty">${nothing(plan)}</p>` : html`
            <${May}>
              <div class="form-foot">
                <${Sure} kind="small primary" disabled=${applying
                  .busy} sure=${`Apply ${statements(plan)}${
                  drops > 0 ? `, ${drops} of them remove data` : ""
                }?`}
                  onClick=${apply}>Apply this plan<//><span class="faint">${statements(
                    plan,
                  )}, below; refused when the catalogue has changed since</span></div><//>
            <ol class="cards">${plan.statements.slice(0, MOST).map((one) =>
              html`
                <li key=${one.step + one.sql}>
                  <p><span class="tag">${one.action}</span> ${one
                    .partition} <span class="faint">${one.reason}; about ${number(
                      one.estimate.rows,
                    )} rows, ${bytes(one.estimate.bytes)}, ${duration(
                      one.estimate.seconds,
                    )}${one.held ? "; held back until confirmed" : ""}</span></p>
                  <${Sql} sql=${one.sql} lock=${one.lock} />
                </li>
              `
            )}</ol>
                    ${plan.statements.length > MOST &&
                      html`<p class="faint">${
                        plan.statements.length - MOST
                      } more statements follow.</p>`}
          `}
        `}
      <//>
  `;
}
