// Rows that were not stored: why, what they were, try again, put right, give up.
import { request } from "../lib/api.js";
import { dateTime, number, words } from "../lib/format.js";
import { useParam } from "../lib/router.js";
import { useStore } from "../lib/store.js";
import { html, useState } from "../lib/view.js";
import { Age } from "../parts/age.js";
import { May, Sure } from "../parts/controls.js";
import { Cut } from "../parts/cut.js";
import { PageHead } from "../parts/page_head.js";
import { Await, Failed, Panel, Trouble } from "../parts/panel.js";
import { Table } from "../parts/table.js";
import { useAction, useApi } from "../parts/use_api.js";
import { app, toast } from "../state.js";
import { Correct } from "./correction.js";

function RetryAll({ reason, symbol, done }) {
  const action = useAction();
  const run = (more) =>
    action.run(async () => {
      const filter = { ...(reason ? { reason } : {}), ...(symbol ? { symbol } : {}) };
      const body = Object.keys(filter).length > 0 ? filter : { all: true };
      const answer = await request("/api/quarantine/retry", {
        method: "POST",
        body: { ...body, ...more },
        deadline: 60_000,
      });
      toast(
        `${number(answer.stored)} stored, ${number(answer.still_quarantined)} refused again`,
        answer.stored > 0 ? "done" : "warning",
      );
      done();
    });
  return html`
    <${May}>
      <${Sure} kind="small" disabled=${action.busy} sure=${reason || symbol
        ? "Retry every row that matches?"
        : "Retry the whole quarantine?"}
        onClick=${() => run({})}>Try all again<//>
        ${reason === "unknown_instrument" && html`
          <${Sure} kind="small" disabled=${action.busy} sure="Create the unknown symbols too?"
            onClick=${() => run({ create: true })}>Create and try<//>
        `}
        <${Failed} action=${action} /><//>
  `;
}

export function Page() {
  const [reason, setReason] = useParam("reason");
  const [symbol, setSymbol] = useParam("symbol");
  const [cursor, page] = useState(null);
  const [correcting, correct] = useState(null);
  const query = new URLSearchParams({
    limit: "100",
    ...(reason ? { reason } : {}),
    ...(symbol ? { symbol } : {}),
    ...(cursor ? { cursor } : {}),
  });
  const answer = useApi(`/api/quarantine?${query}`, { every: cursor ? 0 : 30_000 });
  const by = useStore(app, ({ database }) => database?.ingest?.quarantined_by_reason) ?? {};
  const action = useAction();
  const rows = answer.data?.quarantine ?? [];
  const once = (work) => action.run(() => work().then(() => answer.reload()));
  const retry = (row) =>
    once(async () => {
      const found = await request(`/api/quarantine/${row.id}/retry`, { method: "POST", body: {} });
      if (found.accepted === 0) throw new Error(`row ${row.id} was refused again`);
      toast("The row is stored", "done");
    });
  const columns = [
    {
      key: "at",
      head: "Received",
      value: (row) => -Date.parse(row.received_at),
      show: (row) =>
        html`<span title=${dateTime(row.received_at)}><${Age} at=${row.received_at} /></span>`,
    },
    { key: "reason", head: "Reason", value: (row) => row.reason, show: (row) => words(row.reason) },
    { key: "symbol", head: "Symbol", value: (row) => row.symbol },
    {
      key: "detail",
      head: "What is wrong",
      value: (row) => row.detail,
      wide: true,
      show: (row) =>
        `${row.path ? `${row.path}: ` : ""}${row.detail}${
          row.line === null ? "" : ` (line ${row.line})`
        }`,
    },
    {
      key: "raw",
      head: "The row",
      value: (row) => row.raw,
      wide: true,
      show: (row) => html`<${Cut} text=${row.raw} most=${90} code=${true} />`,
    },
    {
      key: "act",
      head: "",
      show: (row) =>
        html`<${May}><span class="actions"><button type="button" class="small" disabled=${action.busy} onClick=${() =>
          retry(row)}>Try again</button><button type="button" class="small" onClick=${() =>
          correct(
            row,
          )}>Correct</button><${May} needs="admin"><${Sure} disabled=${action.busy} sure="Discard it permanently?" onClick=${() =>
          once(() =>
            request(`/api/quarantine/${row.id}`, { method: "DELETE" })
          )}>Discard<//><//></span><//>`,
    },
  ];
  const reasons = [
    ...new Set([...Object.keys(by), ...rows.map((row) => row.reason), ...(reason ? [reason] : [])]),
  ].sort();
  return html`
    <${PageHead} title="Quarantine" aside="rows that were not stored; no row is dropped silently"
      tools=${html`<a href="/feeds">Feeds</a>`} />
        <div class="filters">
          <label class="inline">Reason <select class="small" value=${reason} onChange=${(event) => {
            page(null);
            setReason(event.target.value);
          }}><option value="">any</option>${reasons.map((name) =>
            html`<option value=${name} selected=${name === reason}>${words(name)}${
              by[name] ? ` (${number(by[name])} since the start)` : ""
            }</option>`
          )}</select></label>
          <input type="search" class="small" aria-label="Symbol" placeholder="symbol" value=${symbol} onChange=${(
            event,
          ) => {
            page(null);
            setSymbol(event.target.value.trim());
          }} />
          ${rows.length > 0 &&
            html`<${RetryAll} reason=${reason} symbol=${symbol} done=${answer.reload} />`}
        </div>
        ${correcting &&
          html`<${Correct} key=${correcting.id} row=${correcting} close=${() =>
            correct(null)} done=${answer.reload} />`}
        <${Panel} title="Rows" aside=${rows.length > 0
          ? `${rows.length}${answer.data.next_cursor ? " of more" : ""}, newest first`
          : ""}>
      <${Trouble} of=${answer} />
      <${Failed} action=${action} />
      <${Await} of=${answer}>
        <${Table} columns=${columns} rows=${rows} keyOf=${(row) => row.id} label="Quarantined rows"
          empty=${reason || symbol ? "No row matches." : "No row is quarantined."} />
        <//>
        <p class="more">${cursor &&
          html`<button type="button" class="small" onClick=${() =>
            page(null)}>Newest</button>`} ${answer.data?.next_cursor &&
          html`<button type="button" class="small" onClick=${() =>
            page(answer.data.next_cursor)}>Older</button>`}</p>
        <//>
  `;
}
