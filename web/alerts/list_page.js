// What fires, what is about to, what is over: by state, severity and words.
import { areFiguresSure } from "../health/verdict.js";
import { useParam } from "../lib/router.js";
import { useStore } from "../lib/store.js";
import { html } from "../lib/view.js";
import { Segments } from "../parts/controls.js";
import { PageHead } from "../parts/page_head.js";
import { Note, Panel, Trouble } from "../parts/panel.js";
import { useApi } from "../parts/use_api.js";
import { app } from "../state.js";
import { AlertList } from "./list.js";
import { Silences } from "./silences.js";

const STATES = [["firing", "Firing"], ["pending", "Pending"], ["resolved", "Resolved"], [
  "all",
  "All",
]];
const SEVERITIES = [["", "Any"], ["critical", "Critical"], ["warning", "Warning"]];

/** Says that no alert is shown, and no more than is known. */
export function noneWords(state, isFiltered, isSure) {
  if (isFiltered) return "None fits.";
  const what = { firing: "No alert is firing", pending: "No alert is pending" }[state] ??
    "No alert is known";
  return isSure ? `${what}.` : `${what} as far as known; the list may be out of date.`;
}

export function Page() {
  const [state, setState] = useParam("state", "firing");
  const [severity, setSeverity] = useParam("severity");
  const [text, setText] = useParam("q");
  const live = useStore(app, ({ alerts }) => alerts);
  const complete = useStore(app, ({ alertsComplete }) => alertsComplete);
  const failed = useStore(app, ({ alertsFailed }) => alertsFailed);
  const isSure = useStore(app, (all) => all.alertsComplete && areFiguresSure(all));
  const older = useApi(
    state === "resolved" || state === "all" ? "/api/alerts?state=resolved&limit=200" : null,
    { every: 60_000 },
  );
  const known = new Map(
    [...(older.data?.alerts ?? []), ...live].map((alert) => [String(alert.id), alert]),
  );
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (alert) =>
    (state === "all" || alert.state === state) &&
    (severity === "" || alert.severity === severity) &&
    words.every((word) =>
      `${alert.rule} ${alert.scope} ${alert.message}`.toLowerCase().includes(word)
    );
  const shown = [...known.values()].filter(fits);
  const count = (one) => [...known.values()].filter((alert) => alert.state === one).length;
  const isAsked = complete !== null && !older.loading;
  const isFiltered = severity !== "" || words.length > 0;
  return html`
    <${PageHead} title="Alerts" aside=${complete === null
      ? ""
      : `${count("firing")} firing, ${
        count("pending")
      } pending`} tools=${html`<a href="/rules">Rules and levels</a>`} />
        <div class="filters">
      <${Segments} label="State" value=${state} options=${STATES} onChange=${setState} />
      <${Segments} label="Severity" value=${severity} options=${SEVERITIES} onChange=${setSeverity} />
      <input type="search" aria-label="Filter by words" placeholder="rule, table, words"
        value=${text} onInput=${(event) => setText(event.target.value)} />
    </div>
        ${complete === false &&
          html`<${Note}>${
            failed
              ? "The alerts could not be read again: the list is as last known."
              : "The list may be incomplete: firing alerts are up to date, ended ones may be missing."
          }<//>`}
        <${Trouble} of=${older} />
        <${Panel} title=${STATES.find(([key]) => key === state)?.[1] ??
          "Alerts"} aside=${isAsked ? `${shown.length} shown` : ""}>
      <${AlertList} alerts=${shown} none=${isAsked
        ? noneWords(state, isFiltered, isSure)
        : "Asking."} />
      <//>
      <${Silences} />
  `;
}
