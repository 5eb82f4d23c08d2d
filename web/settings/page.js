// Settings in force with their defaults, the server, the user, and this browser's own choices.
import { request } from "../lib/api.js";
import { duration } from "../lib/format.js";
import { useParam } from "../lib/router.js";
import { useStore } from "../lib/store.js";
import { html, useState } from "../lib/view.js";
import { rememberWho, who } from "../lib/who.js";
import { Field, May, Segments } from "../parts/controls.js";
import { Cut } from "../parts/cut.js";
import { PageHead } from "../parts/page_head.js";
import { Await, Failed, Pairs, Panel, Trouble } from "../parts/panel.js";
import { Table } from "../parts/table.js";
import { useAction, useApi } from "../parts/use_api.js";
import { app, toast } from "../state.js";
import { Instances, Tokens } from "./access.js";

function Mark() {
  const [text, set] = useState("");
  const action = useAction();
  const save = (event) => {
    event.preventDefault();
    action.run(async () => {
      await request("/api/marks", { method: "POST", body: { text } });
      toast("The mark is saved", "done");
      set("");
    });
  };
  return html`
    <${May}>
      <${Panel} title="Mark a moment"
        aside="such as a deployment or a migration; shown beside alerts and slower statements">
        <form class="inline"
          onSubmit=${save}><label class="inline">Mark <input value=${text} onInput=${(event) =>
            set(
              event.target.value,
            )} maxlength="200" placeholder="deploy 2026.11.27" required /></label><button class="small" disabled=${action
            .busy}>Set the mark</button></form>
        <${Failed} action=${action} />
        <//>
        <//>
  `;
}

function Browser() {
  const [name, set] = useState(who());
  const role = useStore(app, (state) => state.role);
  const known = useStore(app, (state) => state.sessionKnown);
  const save = (event) => {
    event.preventDefault();
    rememberWho(name.trim());
    toast(name.trim() ? `You act as ${name.trim()}` : "Your name is removed", "done");
  };
  return html`
    <${Panel} title="You">
      <form onSubmit=${save}>
        <div class="fields">
          <${Field} label="Your name"
            hint="shown where you acknowledge an alert; kept in this browser"><input value=${name} onInput=${(
              event,
            ) => set(event.target.value)} maxlength="80" autocomplete="name" /><//></div>
        <div class="form-foot"><button class="small">Save</button><span class="faint">${!known
          ? "not known yet whether a token is required"
          : role === null
          ? "no token is required"
          : role === "read"
          ? "signed in, may only read"
          : "signed in, may change things"}</span></div></form><//>
  `;
}

/** The text of a description without the marks of Markdown. */
const plain = (text) => text.replace(/\[([^\]]+)\]\([^)]*\)/g, "$1").replaceAll("`", "");

const COLUMNS = [
  {
    key: "name",
    head: "Setting",
    value: (row) => row.name,
    show: (row) => html`<code>${row.name}</code>`,
  },
  {
    key: "value",
    head: "In force",
    value: (row) => row.value,
    show: (row) =>
      row.hidden
        ? html`<span class="faint">set, hidden</span>`
        : row.value === null
        ? html`<span class="faint">none</span>`
        : html`<${Cut} text=${row.value} most=${40} code=${true} />`,
  },
  {
    key: "default",
    head: "Default",
    value: (row) => row.default,
    show: (row) =>
      row.default === null
        ? html`<span class="faint">none</span>`
        : html`<${Cut} text=${row.default} most=${30} code=${true} />`,
  },
  {
    key: "source",
    head: "From",
    value: (row) => row.source,
    show: (row) => row.source === "set" ? "environment or file" : "default",
  },
  { key: "about", head: "What it does", value: (row) => plain(row.about), wide: true },
];

export function Page() {
  const answer = useApi("/api/settings");
  const health = useStore(app, (state) => state.health);
  const metrics = useStore(app, ({ database }) => database?.performance_metrics) ?? {};
  const [which, setWhich] = useParam("show", "set");
  const [text, setText] = useParam("q");
  const all = answer.data?.settings ?? [];
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = all.filter((row) =>
    (which === "all" || row.source === "set") &&
    words.every((word) => `${row.name} ${row.about}`.toLowerCase().includes(word))
  );
  return html`
    <${PageHead} title="Settings" tools=${html`<a href="/docs">API reference</a>`} />
    <div class="columns two three">
      <${Panel} title="This Holdfast">
        <${Pairs} of=${[
          ["version", health?.version],
          ["writes", health?.mode?.replace("_", " ")],
          ["up", health?.uptime ? duration(Math.floor(health.uptime)) : undefined],
          ["Postgres", metrics.server_version],
          [
            "Postgres up",
            metrics.server_uptime_seconds
              ? duration(Math.floor(metrics.server_uptime_seconds))
              : undefined,
          ],
          ["role of the server", health?.role],
        ]} />
        <//>
        <${Browser} />
        <${Mark} />
        </div>
        <${Instances} />
        <${Tokens} />
        <${Panel} title="Settings in force" aside="read at the start; secrets are never shown"
          tools=${html`
            <${Segments} label="Which settings" value=${which} options=${[["set", "Set by you"], [
              "all",
              "All",
            ]]}
              onChange=${setWhich} /><input type="search" class="small" aria-label="Filter settings"
              placeholder="name, words" value=${text} onInput=${(event) =>
                setText(event.target.value)} />
          `}>
          <${Trouble} of=${answer} />
          <${Await} of=${answer} lines=${6}>
            <${Table} columns=${COLUMNS} rows=${rows} keyOf=${(row) =>
              row.name} sort="" label="Settings"
              empty=${words.length > 0
                ? "No setting fits."
                : which === "set"
                ? "All settings have their default."
                : "No setting has this name."} />
            <//>
            <//>
  `;
}
