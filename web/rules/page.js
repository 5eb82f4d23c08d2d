// The rules in force, their levels with rehearsal, silences, channels and what was delivered.
import { Silences } from "../alerts/silences.js";
import { request } from "../lib/api.js";
import { dateTime, duration } from "../lib/format.js";
import { useParam } from "../lib/router.js";
import { html } from "../lib/view.js";
import { show } from "../metrics/units.js";
import { May } from "../parts/controls.js";
import { Badge } from "../parts/icon.js";
import { PageHead } from "../parts/page_head.js";
import { Await, Failed, Panel, Trouble } from "../parts/panel.js";
import { Table } from "../parts/table.js";
import { useAction, useApi } from "../parts/use_api.js";
import { toast } from "../state.js";
import { RuleEditor } from "./editor.js";

function Channels() {
  const answer = useApi("/api/alerts/channels", { every: 60_000 });
  const action = useAction();
  const test = (name) =>
    action.run(async () => {
      const done = await request(`/api/alerts/channels/${encodeURIComponent(name)}/test`, {
        method: "POST",
        deadline: 20_000,
      });
      if (!done.delivered) throw new Error(`${name} did not take the test: ${done.error}`);
      toast(`The test reached ${name} in ${Math.round(done.duration_ms)} ms`, "done");
    });
  const columns = [
    { key: "name", head: "Channel", value: (row) => row.name },
    { key: "type", head: "Kind", value: (row) => row.type },
    { key: "host", head: "To", value: (row) => row.host ?? "" },
    { key: "min", head: "From", value: (row) => row.min_severity },
    { key: "rules", head: "Rules", value: (row) => row.rules?.join(", ") ?? "all", wide: true },
    { key: "waiting", head: "Waiting", num: true, value: (row) => row.waiting },
    {
      key: "test",
      head: "",
      show: (row) =>
        html`<${May}><button type="button" class="small" disabled=${action.busy} onClick=${() =>
          test(row.name)}>Send a test</button><//>`,
    },
  ];
  return html`
    <${Panel} title="Channels" aside="set by HOLDFAST_CHANNELS">
      <${Trouble} of=${answer} />
      <${Failed} action=${action} />
      <${Await} of=${answer}>
        <${Table} columns=${columns} rows=${answer.data?.channels ?? []} keyOf=${(row) =>
          row.name} name="channel"
          label="Channels" />
        <//>
        <//>
  `;
}

function Deliveries() {
  const answer = useApi("/api/alerts/deliveries?limit=100", { every: 30_000 });
  const action = useAction();
  const retry = (id) =>
    action.run(() =>
      request(`/api/alerts/deliveries/${encodeURIComponent(id)}/retry`, { method: "POST" }).then(
        () => answer.reload(),
      )
    );
  const columns = [
    {
      key: "at",
      head: "When (UTC)",
      value: (row) => -Date.parse(row.created_at),
      show: (row) => dateTime(row.created_at),
    },
    { key: "channel", head: "Channel", value: (row) => row.channel },
    { key: "what", head: "What", value: (row) => row.summary, wide: true },
    {
      key: "state",
      head: "State",
      value: (row) => row.state,
      show: (row) => html`<${Badge} word=${row.state} />`,
    },
    { key: "attempts", head: "Tries", num: true, value: (row) => row.attempts },
    { key: "error", head: "Trouble", value: (row) => row.error ?? "", wide: true },
    {
      key: "act",
      head: "",
      show: (row) =>
        row.state === "dead"
          ? html`<${May}><button type="button" class="small" disabled=${action.busy} onClick=${() =>
            retry(row.id)}>Try again</button><//>`
          : "",
    },
  ];
  return html`
    <${Panel} title="Deliveries" aside="the last hundred">
      <${Trouble} of=${answer} />
      <${Failed} action=${action} />
      <${Await} of=${answer}>
        <${Table} columns=${columns} rows=${answer.data?.deliveries ?? []} keyOf=${(row) =>
          row.id} name="delivery"
          label="Deliveries" empty="Nothing was sent to a channel yet." />
        <//>
        <//>
  `;
}

export function Page() {
  const answer = useApi("/api/alerts/rules", { every: 60_000 });
  const [chosen, choose] = useParam("rule");
  const [text, setText] = useParam("q");
  const all = answer.data?.rules ?? [];
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = all.filter((rule) =>
    words.every((word) => `${rule.name} ${rule.title} ${rule.metric}`.toLowerCase().includes(word))
  );
  const rule = all.find(({ name }) => name === chosen);
  const level = (name) => (row) =>
    typeof row[name] === "number"
      ? show(row.unit, row[name])
      : html`<span class="faint">none</span>`;
  const columns = [
    {
      key: "name",
      head: "Rule",
      value: (row) => row.name,
      show: (row) => html`<a href=${`/rules?rule=${row.name}`}>${row.name}</a>`,
    },
    { key: "title", head: "Title", value: (row) => row.title, wide: true },
    { key: "warning", head: "Warning", num: true, show: level("warning") },
    { key: "critical", head: "Critical", num: true, show: level("critical") },
    { key: "clear", head: "Clear", num: true, show: level("clear") },
    {
      key: "for",
      head: "Holds for",
      num: true,
      value: (row) => row.for_seconds,
      show: (row) => row.for_seconds > 0 ? duration(row.for_seconds) : "at once",
    },
    { key: "enabled", head: "Judged", value: (row) => row.enabled ? "yes" : "no" },
  ];
  return html`
    <${PageHead} title="Rules" aside=${`${
      all.filter(({ enabled }) => enabled).length
    } of ${all.length} are judged`} tools=${html`<a href="/alerts">Alerts</a>`} />
        <${Trouble} of=${answer} />
        ${rule &&
          html`<${RuleEditor} key=${rule.name} rule=${rule} close=${() =>
            choose("", { push: true })} saved=${answer.reload} />`}
        <${Panel} title="All rules" tools=${html`
          <input type="search" class="small" aria-label="Filter rules" placeholder="name, metric, words"
            value=${text} onInput=${(event) => setText(event.target.value)} />
        `}>
      <${Await} of=${answer} lines=${6}>
        <${Table} columns=${columns} rows=${rows} keyOf=${(row) => row.name} sort="name" name="by"
          label="Rules" empty="No rule has this name." rowClass=${(row) =>
            row.enabled ? "" : "off"} />
        <//>
        <//>
        <${Channels} />
        <${Silences} />
        <${Deliveries} />
  `;
}
