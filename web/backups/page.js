// What was backed up, whether it can be restored, and the command that goes back to a moment.
import { request } from "../lib/api.js";
import { bytes, dateTime, duration } from "../lib/format.js";
import { useStore } from "../lib/store.js";
import { html, useState } from "../lib/view.js";
import { MetricRows, useMetrics } from "../metrics/rows.js";
import { Age } from "../parts/age.js";
import { Field, May, Sure } from "../parts/controls.js";
import { Badge, Icon } from "../parts/icon.js";
import { PageHead } from "../parts/page_head.js";
import { Await, Failed, Panel, Trouble } from "../parts/panel.js";
import { Copy } from "../parts/sql.js";
import { Table } from "../parts/table.js";
import { useAction, useApi } from "../parts/use_api.js";
import { app, toast } from "../state.js";

const COPIES = {
  none: "not copied",
  pending: "waits",
  copying: "copying",
  done: "copied",
  failed: "failed",
};

function Running({ backup }) {
  const { progress } = backup;
  const known = progress?.total_bytes > 0;
  return html`
    <p>
      <${Badge}
        word="running">${progress?.step ?? "running"}<//> <span class="faint">${progress
          ? `${bytes(progress.done_bytes)}${known ? ` of ${bytes(progress.total_bytes)}` : ""}`
          : ""}, started <${Age} at=${backup.started_at} /></span></p>
        <progress max=${known ? progress.total_bytes : null} value=${known
          ? progress.done_bytes
          : null} aria-label="Progress of the backup" />
  `;
}

function Recovery({ backups }) {
  const oldest = backups.filter(({ status, kind }) => status === "complete" && kind === "base").at(
    -1,
  );
  const [moment, set] = useState("");
  const [folder, setFolder] = useState("restored");
  const at = moment ? `${moment.length === 16 ? `${moment}:00` : moment}Z` : "";
  const quoted = (text) => (/^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
  const command = `deno task restore${at ? ` --time ${at}` : ""} --to ${
    quoted(folder || "restored")
  }`;
  return html`
    <${Panel} title="Restore to a point in time"
      aside="into a new directory, never over an existing server">
      <div class="fields">
        <${Field} label="Moment (UTC)"
          hint=${oldest
            ? `from ${dateTime(oldest.finished_at)} on, while WAL is kept`
            : "there is no base backup yet"}><input type="datetime-local" step="1" value=${moment} onInput=${(
            event,
          ) => set(event.target.value)} /><//>
        <${Field} label="New directory"><input value=${folder} onInput=${(event) =>
          setFolder(event.target.value)} /><//></div>
        <div class="sql"><pre tabindex="0" role="group" aria-label="Command"><code>${command}</code></pre><div class="sql-foot"><span class="faint">run it where Holdfast runs; without a time it restores to the end of the WAL</span><${Copy} text=${command} /></div></div>
      <//>
  `;
}

/** `busy`: a backup or a drill runs, and the server starts no other. */
function Actions({ backup, busy, reload }) {
  const action = useAction();
  const path = `/api/backups/${encodeURIComponent(backup.id)}`;
  const verify = () =>
    action.run(() =>
      request(`${path}/verify`, {
        method: "POST",
        body: {},
        prefer: "respond-async",
        deadline: 60_000,
      }).then(() => {
        toast("The backup is being restored on trial", "info");
        reload();
      })
    );
  const remove = () =>
    action.run(() => request(path, { method: "DELETE", deadline: 30_000 }).then(reload));
  if (backup.status === "running") {
    return html`
      <${May} needs="admin">
        <${Sure} sure="Abort it?" onClick=${remove}>Abort<//><${Failed} action=${action} /><//>
    `;
  }
  return html`<${May}><span class="actions">${
    backup.status === "complete" &&
    html`
      <button type="button" class="small" disabled=${action.busy ||
        busy} title="Restores it on trial"
        onClick=${verify}>Prove</button>
    `
  }<${May} needs="admin"><${Sure} disabled=${action.busy} sure="Remove it permanently?" onClick=${remove}>Remove<//><//></span><${Failed} action=${action} /><//>`;
}

const onTrial = ({ status, progress }) => status === "complete" && Boolean(progress);

function Proof({ backup }) {
  if (onTrial(backup)) {
    return html`
      <${Icon} word="running" size=${14} /> on trial now
      <br /><span class="faint">${backup.progress.step}</span>
    `;
  }
  if (!backup.proven_at) return html`<span class="faint">not yet</span>`;
  return html`<${Icon} word="good" size=${14} /> <${Age} at=${backup.proven_at} />${
    backup.recovery_seconds !== null && html`
      <br /><span class="faint">took ${duration(backup.recovery_seconds)}</span>
    `
  }`;
}

const columnsOf = ({ busy, copied, reload }) => [
  {
    key: "at",
    head: "Taken (UTC)",
    value: (row) => Date.parse(row.started_at),
    show: (row) => dateTime(row.started_at),
  },
  {
    key: "status",
    head: "State",
    value: (row) => row.status,
    show: (row) => html`<${Badge} word=${row.status} /> <span class="faint">${row.kind}</span>`,
  },
  {
    key: "bytes",
    head: "Size",
    num: true,
    value: (row) => row.bytes,
    show: (row) => html`${bytes(row.bytes)} <span class="faint">of ${bytes(row.raw_bytes)}</span>`,
  },
  {
    key: "took",
    head: "Took",
    num: true,
    value: (row) => row.duration_seconds,
    show: (row) => row.duration_seconds === null ? "" : duration(row.duration_seconds),
  },
  {
    key: "proven",
    head: "Restored on trial",
    value: (row) => Date.parse(row.proven_at ?? "") || null,
    show: (row) => html`<${Proof} backup=${row} />`,
  },
  ...(copied
    ? [{
      key: "copy",
      head: "Copy",
      value: (row) => row.copy?.state,
      show: (row) => COPIES[row.copy?.state] ?? "",
    }]
    : []),
  {
    key: "notes",
    head: "What was checked",
    wide: true,
    value: (row) => [...row.problems, ...row.notes].join(" "),
    show: (row) =>
      html`${row.problems.map((one) => html`<div class="tone-bad">${one}</div>`)}${
        row.notes.map((one) => html`<div class="faint">${one}</div>`)
      }`,
  },
  {
    key: "act",
    head: "",
    show: (row) => html`<${Actions} backup=${row} busy=${busy} reload=${reload} />`,
  },
];

export function Page() {
  const pushed = useStore(app, ({ frames }) => frames.backup_status?.seq);
  const answer = useApi("/api/backups?limit=200", { every: 30_000, soon: pushed });
  const metrics = useMetrics(60_000);
  const action = useAction();
  const all = answer.data?.backups ?? [];
  const running = all.filter(({ status }) => status === "running");
  const busy = running.length > 0 || all.some(onTrial);
  // Without a storage for copies no backup has one.
  const copied = all.some(({ copy }) => copy && copy.state !== "none");
  const missing = (is, words) => answer.data && !all.some(is) ? words : undefined;
  const noBackup = missing(
    ({ status }) => status === "complete",
    "no complete backup; since the start",
  );
  const noProof = missing(({ proven_at }) => proven_at, "never restored on trial; since the start");
  const take = () =>
    action.run(() =>
      request("/api/backups", { method: "POST", body: {}, deadline: 30_000 }).then(() =>
        answer.reload()
      )
    );
  return html`
    <${PageHead} title="Backups" aside=${answer.data
      ? `${all.filter(({ status }) => status === "complete").length} complete`
      : ""} tools=${html`<${May}><button type="button" class="small primary" disabled=${
      action.busy || busy
    } onClick=${take}>${
      running.length > 0 ? "A backup runs" : busy ? "A trial runs" : "Back up now"
    }</button><//>`} />
        <${Trouble} of=${answer} /><${Failed} action=${action} what="Not started" />
        ${running.length > 0 &&
          html`<${Panel} title="Running">${
            running.map((backup) => html`<${Running} key=${backup.id} backup=${backup} />`)
          }<//>`}
        <div class="columns two">
      <${Panel} title="Backup metrics">
        <${MetricRows} metrics=${metrics} rows=${[
          ["backup_age_seconds", "Age of the newest", noBackup],
          ["backup_unproven_seconds", "Age of the newest that was restored on trial", noProof],
          ["backup_problems", "Problems"],
          ["archive_lag_seconds", "Archive lag"],
          ["backup_copy_age_seconds", "Age of the newest copy"],
          ["backup_copy_lag_seconds", "Copy lag"],
        ]} />
        <//>
        <${Recovery} backups=${all} />
        </div>
        <${Panel} title="All backups">
          <${Await} of=${answer}>
            <${Table} columns=${columnsOf({
              busy,
              copied,
              reload: answer.reload,
            })} rows=${all} keyOf=${(row) => row.id} sort="at"
              label="Backups" empty="No backup was taken yet." />
            <//>
            <//>
  `;
}
