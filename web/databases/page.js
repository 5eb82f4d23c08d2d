// All databases of this Holdfast, those with problems first.
import { readChecks, sayCheck } from "../health/checks.js";
import { ago } from "../lib/format.js";
import { html } from "../lib/view.js";
import { useSeconds } from "../parts/age.js";
import { Icon } from "../parts/icon.js";
import { PageHead } from "../parts/page_head.js";
import { Await, Note, Panel, Trouble } from "../parts/panel.js";
import { Table } from "../parts/table.js";
import { useApi } from "../parts/use_api.js";

const EVERY_MS = 5_000;
const STALE_MS = 30_000;
const ORDER = ["unhealthy", "unknown", "degraded", "healthy"];

const pagesOf = (name) => `/databases/${encodeURIComponent(name)}/`;

/** The first reason of a status, in the words of the overview; it begins with the name of its check. */
export function reasonOf({ reasons }) {
  const [, name, detail] = /^([^:]+): (.*)$/s.exec(reasons[0] ?? "") ?? [];
  if (detail === undefined) return reasons[0] ?? "";
  const [check] = readChecks([{ name, detail }]);
  const said = sayCheck(check);
  return said === check.detail.replace(/\.$/, "") ? `${name}: ${check.detail}` : said;
}

const COLUMNS = [
  {
    key: "status",
    head: "Status",
    value: ({ status }) => ORDER.indexOf(status),
    show: ({ status }) => html`<${Icon} word=${status} /> ${status}`,
  },
  {
    key: "name",
    head: "Database",
    value: ({ name }) => name,
    show: ({ name }) => html`<a href=${pagesOf(name)} target="_self">${name}</a>`,
  },
  {
    key: "alerts",
    head: "Alerts",
    num: true,
    value: ({ alerts_firing }) => alerts_firing,
    show: ({ name, alerts_firing }) =>
      html`<a href=${`${
        pagesOf(name)
      }alerts`} target="_self" aria-label=${`${alerts_firing} alerts of ${name}`}>${alerts_firing}</a>`,
  },
  {
    key: "incidents",
    head: "Recorded",
    show: ({ name }) =>
      html`<a href=${`${
        pagesOf(name)
      }incidents`} target="_self" aria-label=${`Incidents of ${name}`}>incidents</a>`,
  },
  { key: "reason", head: "Reason", wide: true, show: reasonOf },
  { key: "role", head: "Role", value: ({ role }) => role ?? "unknown" },
  { key: "version", head: "Version", value: ({ version }) => version ?? "unknown" },
  {
    key: "age",
    head: "Last answer",
    num: true,
    value: ({ age_ms }) => age_ms ?? Infinity,
    show: ({ age_ms }) => age_ms === null ? "never" : ago(age_ms),
  },
];

/** The rows at `now`: their ages go on, and what was healthy is unknown once the answer is old or the last one failed. */
export function rowsNow({ data, at, error }, now) {
  const since = at === null ? 0 : Math.max(0, now - at);
  const unsure = error !== null || since > STALE_MS;
  return (data?.databases ?? []).map((row) => ({
    ...row,
    status: unsure && row.status === "healthy" ? "unknown" : row.status,
    age_ms: row.age_ms === null ? null : row.age_ms + since,
  }));
}

export function Page() {
  const now = useSeconds(2_000);
  const answer = useApi("/api/databases", { every: EVERY_MS });
  return html`
    <${PageHead} title="Databases" aside="Those with problems first."
      tools=${html`<a href="/incidents?database=*">Incidents of all</a>`} />
    <${Panel} title="All databases of this Holdfast">
      <${Trouble} of=${answer} />
      <${Await} of=${answer}>
        <${Table} columns=${COLUMNS} rows=${rowsNow(answer, now)} keyOf=${({ name }) =>
          name} label="Databases" />
        ${answer.data?.next_cursor && html`<${Note} tone="info">More databases are not listed.<//>`}
        <//>
        <//>
  `;
}
