// Who may ask: the Holdfasts on this database, and the tokens of this server.
import { useAtMost } from "../health/limit.js";
import { request } from "../lib/api.js";
import { dateTime } from "../lib/format.js";
import { useStore } from "../lib/store.js";
import { html, useState } from "../lib/view.js";
import { Age } from "../parts/age.js";
import { Field, Sure } from "../parts/controls.js";
import { Icon } from "../parts/icon.js";
import { Await, Failed, Note, Panel, Trouble } from "../parts/panel.js";
import { Copy } from "../parts/sql.js";
import { Table } from "../parts/table.js";
import { useAction, useApi } from "../parts/use_api.js";
import { app } from "../state.js";

const SCOPES = ["read", "ingest", "operate", "admin"];

export function Instances() {
  const answer = useApi("/api/instances", { every: 30_000 });
  const atMost = useAtMost();
  const columns = [
    {
      key: "id",
      head: "Holdfast",
      value: (row) => row.id,
      show: (row) =>
        html`<${Icon} word=${
          row.alive ? atMost("good") : "unknown"
        } size=${14} /> <span>${row.id}</span>`,
    },
    { key: "version", head: "Version", value: (row) => row.version },
    {
      key: "since",
      head: "Since (UTC)",
      value: (row) => row.since,
      show: (row) => dateTime(row.since),
    },
    {
      key: "seen",
      head: "Last seen",
      value: (row) => -Date.parse(row.last_seen_at),
      show: (row) => html`<${Age} at=${row.last_seen_at} />`,
    },
    { key: "leads", head: "Leads", value: (row) => row.leads.join(", ") || "nothing" },
  ];
  return html`
    <${Panel} title="On this database" aside="instances that share this database">
      <${Trouble} of=${answer} />
      <${Await} of=${answer}>
        <${Table} columns=${columns} rows=${answer.data?.instances ?? []} keyOf=${(row) =>
          row.id} name="instances"
          label="Instances" empty="No instance is known." />
        <//>
        <//>
  `;
}

function NewToken({ made }) {
  const [name, setName] = useState("");
  const [scope, setScope] = useState("read");
  const [token, show] = useState(null);
  const action = useAction();
  const create = (event) => {
    event.preventDefault();
    action.run(async () => {
      const answer = await request("/api/tokens", { method: "POST", body: { name, scope } });
      show(answer.secret);
      setName("");
      made();
    });
  };
  return html`
    <form onSubmit=${create}>
      <div class="fields">
        <${Field}
          label="Name"><input value=${name} onInput=${(event) =>
            setName(event.target.value)} maxlength="64" required /><//>
          <${Field} label="May"><select value=${scope} onChange=${(event) =>
            setScope(event.target.value)}>${SCOPES.map((one) =>
              html`<option value=${one}>${one}</option>`
            )}</select><//>
        </div><div class="form-foot"><button class="small" disabled=${action
          .busy}>Create a token</button></div>
        <${Failed} action=${action} what="Not created" />
        ${token && html`
          <${Note}
            tone="good">Shown once, now: <code>${token}</code> <${Copy} text=${token} /><//>
        `}
      </form>
  `;
}

/** For admins of a server that asks for tokens. */
export function Tokens() {
  const role = useStore(app, (state) => state.role);
  const answer = useApi(role === "admin" ? "/api/tokens" : null, { every: 60_000 });
  const action = useAction();
  if (role !== "admin") return null;
  const revoke = (id) =>
    action.run(() =>
      request(`/api/tokens/${encodeURIComponent(id)}`, { method: "DELETE" }).then(answer.reload)
    );
  const columns = [
    { key: "name", head: "Token", value: (row) => row.name },
    { key: "scope", head: "May", value: (row) => row.scope },
    {
      key: "made",
      head: "Created (UTC)",
      value: (row) => row.created_at,
      show: (row) => row.created_at ? dateTime(row.created_at) : "at the start",
    },
    {
      key: "used",
      head: "Last used",
      value: (row) => -Date.parse(row.last_used_at ?? ""),
      show: (row) => html`<${Age} at=${row.last_used_at} />`,
    },
    {
      key: "act",
      head: "",
      show: (row) =>
        row.source === "setting" ? html`<span class="faint">from the environment</span>` : html`
          <${Sure} disabled=${action.busy} sure="Revoke it? Its sessions end too."
            onClick=${() => revoke(row.id)}>Revoke<//>
        `,
    },
  ];
  return html`
    <${Panel} title="Tokens" aside="who may ask this server">
      <${Trouble} of=${answer} />
      <${Failed} action=${action} />
      <${Await} of=${answer}>
        <${Table} columns=${columns} rows=${answer.data?.tokens ?? []} keyOf=${(row) =>
          row.id} name="tokens" label="Tokens"
          empty="No token exists yet." />
        <//>
        <${NewToken} made=${answer.reload} />
        <//>
  `;
}
