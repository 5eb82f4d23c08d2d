// Every managed table: how long inserts are safe, its partitions over time, what is wrong. Then the tables without a policy.
import { useAtMost } from "../health/limit.js";
import { serverNow } from "../lib/clock.js";
import { compact, dateTime } from "../lib/format.js";
import { navigate } from "../lib/router.js";
import { useStore } from "../lib/store.js";
import { html, useMemo } from "../lib/view.js";
import { useMetrics } from "../metrics/rows.js";
import { May } from "../parts/controls.js";
import { Icon } from "../parts/icon.js";
import { PageHead } from "../parts/page_head.js";
import { areAnswered, Await, Note, Panel, Trouble } from "../parts/panel.js";
import { useApi } from "../parts/use_api.js";
import { app } from "../state.js";
import { Conversions } from "./conversions.js";
import { layOut } from "./model.js";
import { Legend, PartitionTimeline } from "./timeline.js";
import { Unmanaged } from "./unmanaged.js";
import { holeWords, policyWords, problemWords, runwayWords, tableFacts } from "./words.js";

const STALE_MS = 180_000;
const MOST = 50;

function Card({ table, model, rule }) {
  const [tone, text] = runwayWords(table.runway_seconds, rule);
  const atMost = useAtMost();
  const problems = [
    ...(table.problems ?? []).map(problemWords),
    ...(table.default_rows > 0
      ? [`${compact(table.default_rows)} rows in the default partition`]
      : []),
    ...holeWords(table, model),
  ];
  const href = `/partitions/${encodeURIComponent(table.table)}`;
  return html`<section class="panel" aria-label=${table.table}>
    <div class="panel-head"><h2><a href=${href}>${table.table}</a></h2><p class="aside"><${Icon} word=${
    atMost(tone)
  } /> ${text}</p><div class="tools"><a href=${href}>Policy, plan, log</a></div></div>
    <p class="faint">${tableFacts(table)}</p><p class="faint">${policyWords(table.policy)}</p>
    ${
    problems.length > 0 && html`<ul class="problems">${
      problems.slice(0, 20).map((one) => html`<li key=${one}><${Icon} word="warn" /> ${one}</li>`)
    }</ul>`
  }
    <${PartitionTimeline} name=${table.table} model=${model} />
  </section>`;
}

/** A table that has no policy yet is chosen from those that were measured or named, and its page has the form. */
function NewTable({ managed, unmanaged }) {
  const measured = useMetrics(300_000).all("table_heap_bytes").map(({ scope }) => scope);
  const known = [...new Set([...unmanaged, ...measured])]
    .filter((name) => !name.startsWith("holdfast.") && !managed.includes(name));
  const go = (event) => {
    event.preventDefault();
    const name = new FormData(event.target).get("table").trim();
    if (name) navigate(`/partitions/${encodeURIComponent(name)}`);
  };
  return html`
    <${May} needs="admin">
      <${Panel} title="Manage another table"
        aside="Holdfast creates partitions only for tables with a policy">
        <datalist id="other-tables">${known.map((name) =>
          html`<option value=${name} />`
        )}</datalist>
        <form class="inline"
          onSubmit=${go}><label class="inline">Table <input name="table" class="small" list="other-tables" placeholder="schema.name" required pattern="[^.]+\\..+" /></label><button class="small">Go to its policy</button></form>
        <//>
        <//>
  `;
}

export function Page() {
  const pushed = useStore(app, ({ frames }) => frames.partition_status?.seq);
  const answer = useApi("/api/health/partitions", {
    every: 60_000,
    also: [503],
    deadline: 15_000,
    soon: pushed,
  });
  const rules = useApi("/api/alerts/rules", { every: 300_000 }).data?.rules ?? [];
  const tables = answer.data?.tables ?? [];
  const models = useMemo(() => tables.map(layOut), [answer.data]);
  const readAt = Date.parse(answer.data?.checked_at ?? "");
  const leaves = tables.reduce((sum, one) => sum + (one.partitions ?? 0), 0);
  const rule = rules.find(({ name }) => name === "partition_runway");
  return html`<${PageHead} title="Partitions" aside=${
    tables.length > 0
      ? `${tables.length} ${tables.length === 1 ? "table" : "tables"}, ${
        leaves.toLocaleString("en")
      } partitions`
      : ""
  } tools=${html`<${Legend} models=${models} />`} />
    <${Trouble} of=${answer} />
    ${
    serverNow() - readAt > STALE_MS &&
    html`<${Note}>Partitions were last read at ${dateTime(readAt)} UTC, as shown below.<//>`
  }
    <${Await} of=${answer}>${
    tables.length === 0 && html`<p class="empty">${
      answer.data?.checked_at === null
        ? "Partitions have not been read yet; their state is unknown."
        : "No table is managed yet."
    }</p>`
  }<//>
    ${
    tables.slice(0, MOST).map((table, at) =>
      html`<${Card} key=${table.table} table=${table} model=${models[at]} rule=${rule} />`
    )
  }
    ${
    tables.length > MOST &&
    html`<p class="faint">${
      tables.length - MOST
    } more tables are not drawn; Ctrl K opens one by its name.</p>`
  }
    <${Unmanaged} tables=${answer.data?.unmanaged} rule=${
    rules.find(({ name }) => name === "unmanaged_runway")
  } />
    ${
    areAnswered(answer) && html`
      <${Conversions} />
      <${NewTable} managed=${tables.map(({ table }) =>
        table
      )} unmanaged=${(answer.data?.unmanaged ?? []).map(({ table }) => table)} />
    `
  }`;
}
