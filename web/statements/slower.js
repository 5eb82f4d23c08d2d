// How a statement has become slower: before and after, what of a call changed, and what changed on the server.
import { changeWords } from "../history/change_words.js";
import { compact, dateTime, milliseconds, number } from "../lib/format.js";
import { html } from "../lib/view.js";
import { Age } from "../parts/age.js";
import { Icon } from "../parts/icon.js";

const CAUSES = {
  more_rows: ["more rows a call", number],
  more_blocks: ["more blocks for as many rows: another plan, a missing index or bloat", compact],
  cache_misses: ["blocks that were no longer in the cache", compact],
  temp_files: ["temporary files: too little work_mem", compact],
  waits: ["it reads no more than before, so it waits: for locks, the disk or the processor", null],
};

function causeWords({ kind, before, after }) {
  const [words, format] = CAUSES[kind] ?? [kind, number];
  return format ? `${words} (${format(before)} → ${format(after)})` : words;
}

/** One regression; with `whole` all of its changes. */
export function Slower({ of, whole = false }) {
  const format = of.metric === "mean_ms" ? milliseconds : compact;
  const changes = whole ? of.changes : of.changes.slice(0, 1);
  return html`
    <div>
      <p><${Icon} word="warn" /> ${format(of.before)} → ${format(of.after)}${of.metric === "mean_ms"
        ? ""
        : " blocks"} a call <span class="faint">(${of.ratio.toFixed(1)}×, since ${dateTime(
          of.since,
        )} UTC, <${Age} at=${of.since} />)</span></p>
      <ul class="plain">
          ${of.causes.map((cause) => html`<li>${causeWords(cause)}</li>`)}
          ${changes.map((change) =>
            html`<li><span class="faint">${dateTime(change.at)}</span> ${changeWords(change)}${
              change.same_table && html`
                <b>${" "}${change.kind === "plan" ? "(its plan)" : "(names its table)"}</b>
              `
            }</li>`
          )}
          ${changes.length === 0 &&
            html`<li class="faint">no change of the server was seen in the hour before</li>`}
        </ul>
    </div>
  `;
}
