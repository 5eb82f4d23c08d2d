// A plan as a tree: what each node reads, what it alone costs, and what it is limited by.
import { compact, counted, percent } from "../lib/format.js";
import { html } from "../lib/view.js";
import { Cut } from "../parts/cut.js";
import { Meter } from "../parts/icon.js";
import { Await, Note, Panel, Trouble } from "../parts/panel.js";
import { Sql } from "../parts/sql.js";
import { useApi } from "../parts/use_api.js";

const ROLES = { init_plan: "executed once", sub_plan: "executed for rows of its parent" };

function Node({ node }) {
  const about = [
    `${counted(node.rows, "row")}${node.per_worker ? " per process" : ""}`,
    `cost ${compact(node.total_cost)}`,
    node.workers && counted(node.workers, "worker"),
    node.name && `${node.name}${ROLES[node.role] ? `, ${ROLES[node.role]}` : ""}`,
  ].filter(Boolean).join(" · ");
  return html`<li>
    <div class="plan-node">
      <p><b>${node.node}</b>${node.relation && [" on ", html`<code>${node.relation}</code>`]}${
    node.index && [" using ", html`<code>${node.index}</code>`]
  }</p>
      <p class="plan-share">${percent(node.share)}<${Meter} share=${node.share} /></p>
      <p class="faint">${about}</p>
      ${
    node.conditions.map(({ what, text }) =>
      html`<p class="faint">${what}: <${Cut} text=${text} code=${true} /></p>`
    )
  }
    </div>
    ${
    (node.children.length > 0 || node.left_out > 0) && html`<ul>${
      node.children.map((child) => html`<${Node} node=${child} />`)
    }${
      node.left_out > 0 &&
      html`<li class="faint">${compact(node.left_out)} more nodes, ${
        percent(node.left_out_share)
      } of the cost</li>`
    }</ul>`
  }
  </li>`;
}

/** The generic plan of a statement, asked for once. */
export function Plan({ id }) {
  const answer = useApi(`/api/database/statements/${encodeURIComponent(id)}/plan`, {
    deadline: 20_000,
  });
  const { data } = answer;
  return html`
    <${Panel} title="Plan" aside=${data?.role ? `generic, as role ${data.role}` : "generic"}
      tools=${html`<button type="button" class="small" disabled=${answer.loading} onClick=${answer.reload}>Plan again</button>`}>
      <${Trouble} of=${answer} />
      <${Await} of=${answer}>${data && (data.root
        ? html`
          <p class="faint">Share of the planner's cost, ${compact(
            data.total_cost,
          )} in all; nothing was executed.</p>
          <ul class="plan" aria-label="Plan">${html`<${Node} node=${data.root} />`}</ul>
        `
        : html`<${Note}>No plan: ${data.detail}.<//>${
          data.remedy && html`<${Sql} sql=${data.remedy} />`
        }`)}<//>
    <//>
  `;
}
