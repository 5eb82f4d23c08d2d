// What an alert rests on, drawn by its kind: a tree, a statement, a list of sessions, a table, a sequence, plain facts.
import { LockTree } from "../activity/lock_tree.js";
import {
  bytes,
  compact,
  dateTime,
  duration,
  milliseconds,
  number,
  percent,
} from "../lib/format.js";
import { html } from "../lib/view.js";
import { Age } from "../parts/age.js";
import { Cut } from "../parts/cut.js";
import { Pairs } from "../parts/panel.js";
import { plain } from "./words.js";

const MOST_ROWS = 20;

const UNITS = [
  [/_bytes$|^bytes$/, bytes],
  [/_seconds$|^seconds$/, duration],
  [/_ms$/, milliseconds],
  [/(_ratio|utilization)$/, (value) => percent(value, 1)],
];

const isMoment = (value) => typeof value === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(value);

/** A name without its unit, which the value carries. */
export const label = (name) =>
  String(name).replace(/_(bytes|seconds|ms)$/, "").replaceAll("_", " ");

/** A value with the unit that its name says; moments move, long text is cut and opens. */
export function Value({ name, value }) {
  if (value === null || value === undefined) return html`<span class="faint">unknown</span>`;
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (isMoment(value)) return html`<span>${dateTime(value)} · <${Age} at=${value} /></span>`;
  if (name === "pid") return String(value);
  if (typeof value === "number") {
    const unit = UNITS.find(([pattern]) => pattern.test(name));
    return unit ? unit[1](value) : Math.abs(value) >= 1e6 ? compact(value) : number(value);
  }
  if (typeof value === "string") {
    return html`<${Cut} text=${value} code=${/query|sql/.test(name)} />`;
  }
  return plain(value);
}

export function Rows({ rows }) {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))].slice(0, 8);
  return html`<div class="table-scroll" tabindex="0" role="group" aria-label="Evidence"><table>
    <thead><tr>${
    names.map((name) =>
      html`<th scope="col" class=${typeof rows[0][name] === "number" ? "num" : ""}>${
        label(name)
      }</th>`
    )
  }</tr></thead>
    <tbody>${
    rows.slice(0, MOST_ROWS).map((row) =>
      html`<tr>${
        names.map((name) =>
          html`
            <td class=${typeof row[name] === "number"
              ? "num"
              : /query|sql/.test(name)
              ? "wide"
              : ""}>
              <${Value} name=${name} value=${row[name]} />
            </td>
          `
        )
      }</tr>`
    )
  }</tbody>
  </table>${
    rows.length > MOST_ROWS &&
    html`<p class="faint">${rows.length - MOST_ROWS} more are not shown.</p>`
  }</div>`;
}

const isRecord = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

function Sequence({ value }) {
  const used = value.used_ratio ?? value.ratio;
  return html`<div><${Pairs} of=${
    Object.entries(value).map((
      [name, one],
    ) => [label(name), html`<${Value} name=${name} value=${one} />`])
  } />
    ${
    Number.isFinite(used) && html`<p class="faint">${percent(used, 1)} of its numbers are used.</p>`
  }</div>`;
}

/** One piece of evidence `{ name, value }`; with `acts` the sessions of a blocking tree can be cancelled or ended. */
export function Piece({ name, value, acts = false, after }) {
  if (value === null || value === undefined) {
    return html`<p class="faint">${label(name)}: not known.</p>`;
  }
  if (name === "blocking_tree") {
    return html`<${LockTree} roots=${value} acts=${acts} after=${after} />`;
  }
  if (name === "sequence" && isRecord(value)) return html`<${Sequence} value=${value} />`;
  if (Array.isArray(value)) {
    if (value.length === 0) return html`<p class="faint">${label(name)}: none now.</p>`;
    if (value.every(isRecord)) return html`<${Rows} rows=${value} />`;
    return html`<ul class="plain">${
      value.slice(0, MOST_ROWS).map((one) =>
        html`
          <li>
            <${Value} name=${name} value=${one} />
          </li>
        `
      )
    }</ul>`;
  }
  if (isRecord(value)) {
    return html`<${Pairs} of=${
      Object.entries(value).map((
        [key, one],
      ) => [label(key), html`<${Value} name=${key} value=${one} />`])
    } />`;
  }
  return html`
    <p>
      <${Value} name=${name} value=${value} />
    </p>
  `;
}

/**
 * All evidence of an alert as it was answered at `at` (ms; null: as it was pushed), together with its figures. `after` hears
 * that a session was signalled.
 */
export function Evidence({ alert, at, after }) {
  const pieces = Array.isArray(alert.evidence) ? alert.evidence : [];
  if (pieces.length === 0) {
    return html`<p class="faint">There is no evidence beyond the value.</p>`;
  }
  const over = alert.state === "resolved";
  return html`<div class="evidence">
    <p class="faint">${
    over
      ? "as it was when it last fired"
      : alert.unknown_since
      ? `from before its value became unknown, at ${dateTime(alert.unknown_since)} UTC`
      : at === null
      ? "as it was when it fired"
      : html`<span>taken </span><${Age} at=${at} />`
  }</p>
    ${
    pieces.map(({ name, value }) =>
      html`
        <section>
          <h3 class="sub">${label(name)}</h3>
          <${Piece} name=${name} value=${value} acts=${!over} after=${after} />
        </section>
      `
    )
  }
  </div>`;
}
