// Who is connected, who waits for whom, and freeing them.
import { atMost, isOld } from "../health/verdict.js";
import { duration } from "../lib/format.js";
import { useParam } from "../lib/router.js";
import { useStore } from "../lib/store.js";
import { html } from "../lib/view.js";
import { Age } from "../parts/age.js";
import { Segments } from "../parts/controls.js";
import { Cut } from "../parts/cut.js";
import { Icon } from "../parts/icon.js";
import { PageHead } from "../parts/page_head.js";
import { Await, Note, Panel, Trouble } from "../parts/panel.js";
import { Table } from "../parts/table.js";
import { useApi } from "../parts/use_api.js";
import { app } from "../state.js";
import { LockTree, SessionActions, waitingBehind } from "./lock_tree.js";

const KINDS = [["busy", "Active or in a transaction"], ["all", "All"]];

function Locks({ answer, reload }) {
  const { data } = answer;
  const roots = data?.roots ?? [];
  const waiting = roots.reduce((sum, one) => sum + waitingBehind(one), 0);
  const state = useStore(app);
  const tone = atMost(
    !data || data.status !== "known" || isOld(Date.parse(data.checked_at))
      ? "unknown"
      : waiting > 0
      ? "warn"
      : "good",
    state,
  );
  const known = data?.status === "known";
  const aside = html`${
    waiting > 0
      ? `${waiting} wait behind ${roots.length}`
      : known
      ? "nobody waits"
      : "who waits is unknown"
  }, read <${Age} at=${data?.checked_at} none="never" />`;
  return html`<${Panel} title="Who blocks whom" aside=${html`<${Icon} word=${tone} /> ${aside}`}>
    <${Trouble} of=${answer} />
    ${
    data && data.status !== "known" &&
    html`<${Note}>What is listed may be old or not all: ${data.detail || "not read"}.<//>`
  }
    <${Await} of=${answer}>${
    (known || roots.length > 0) && html`<${LockTree} roots=${roots} after=${reload} />`
  }<//>
  <//>`;
}

export function Page() {
  const locks = useApi("/api/locks", { every: 6_000 });
  const sessions = useApi("/api/sessions?limit=500", { every: 12_000 });
  const [kind, setKind] = useParam("show", "busy");
  const [text, setText] = useParam("q");
  const reload = () =>
    setTimeout(() => {
      locks.reload();
      sessions.reload();
    }, 400);
  const all = sessions.data?.sessions ?? [];
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = all.filter((one) =>
    (kind === "all" || one.transaction_seconds !== null || one.state === "active") &&
    words.every((word) =>
      `${one.pid} ${one.user} ${one.application} ${one.database} ${one.state} ${one.query}`
        .toLowerCase().includes(word)
    )
  );
  const databases = new Set(all.map(({ database }) => database).filter(Boolean));
  const columns = [
    { key: "pid", head: "Pid", value: (row) => row.pid },
    {
      key: "who",
      head: "Who",
      value: (row) => [row.user, row.application].filter(Boolean).join(" · ") || row.backend_type,
    },
    ...(databases.size > 1
      ? [{ key: "database", head: "Database", value: (row) => row.database }]
      : []),
    {
      key: "state",
      head: "State",
      value: (row) => row.state,
      show: (row) =>
        html`${row.state ?? "unknown"} <span class="faint">${
          row.state_seconds === null ? "" : duration(row.state_seconds)
        }</span>`,
    },
    {
      key: "transaction",
      head: "Transaction",
      num: true,
      value: (row) => row.transaction_seconds,
      show: (row) =>
        row.transaction_seconds === null
          ? html`<span class="faint">none</span>`
          : duration(row.transaction_seconds),
    },
    {
      key: "wait",
      head: "Waits for",
      value: (row) => row.wait ?? "",
      show: (row) => row.wait?.replace(": ", " ") ?? "",
    },
    {
      key: "query",
      head: "Statement",
      value: (row) => row.query,
      wide: true,
      show: (row) => row.query ? html`<${Cut} text=${row.query} most=${110} code=${true} />` : "",
    },
    {
      key: "act",
      head: "",
      show: (row) =>
        row.own
          ? html`<span class="faint">Holdfast</span>`
          : html`<${SessionActions} session=${row} after=${reload} />`,
    },
  ];
  const count = (state) => all.filter((one) => one.state === state).length;
  return html`
    <${PageHead} title="Activity" aside=${sessions.data
      ? `${sessions.data.next_cursor ? "the first " : ""}${all.length} sessions: ${
        count("active")
      } active, ${count("idle in transaction")} idle in a transaction, ${count("idle")} idle`
      : ""} />
    <${Locks} answer=${locks} reload=${reload} />
    <${Panel} title="Sessions" aside=${html`read <${Age} at=${sessions.at} />`} tools=${html`
      <${Segments} label="Which sessions" value=${kind} options=${KINDS}
        onChange=${setKind} /><input type="search" class="small" aria-label="Filter sessions"
        placeholder="user, pid, words" value=${text} onInput=${(event) =>
          setText(event.target.value)} />
    `}>
      <${Trouble} of=${sessions} />
      <${Await} of=${sessions}>
        <${Table} columns=${columns} rows=${rows} keyOf=${(row) =>
          `${row.pid} ${row.backend_start}`} sort="" label="Sessions"
          empty=${all.length === 0
            ? "No session is connected."
            : words.length > 0
            ? "No session fits."
            : "No session is active or in a transaction."} />
        <//>
        <//>
  `;
}
