import type { Rehearsal, StatementResult } from "../rehearsal.ts";
import {
  costLines,
  coverageWords,
  inOrder,
  intervalWords,
  msWords,
  ratioWords,
  shareWords,
  wasExecutedOtherwise,
} from "./words.ts";

const entities: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
const escape = (text: string) => text.replace(/[&<>"']/g, (sign) => entities[sign]!);

/** Classes of the report's style sheet by verdict. */
const classes: Record<string, string> = {
  worth_it: "pass",
  improved: "pass",
  harmful: "fail",
  worse: "fail",
  cannot_tell: "inconclusive",
  unclear: "inconclusive",
};

const classOf = (verdict: string) => classes[verdict] ?? "informs";

function row(one: StatementResult): string {
  return `<tr>
<th scope="row"><code>${escape(one.query.slice(0, 400))}</code></th>
<td class="${classOf(one.verdict)}">${escape(one.verdict)}</td>
<td>${escape(ratioWords(one.improvement))}<br><small>${escape(intervalWords(one))}</small></td>
<td>${escape(msWords(one.before_ms))}</td>
<td>${escape(msWords(one.after_ms))}</td>
<td>${escape(shareWords(one.share))}</td>
<td>${escape(one.params)}<br><small>${one.variants} sets</small></td>
</tr>
<tr><td colspan="7" class="why">${escape(one.why)}</td></tr>`;
}

function plans(one: StatementResult): string {
  return `<h3><code>${escape(one.query.slice(0, 200))}</code></h3>
<ul>${one.plan_difference.map((line) => `<li>${escape(line)}</li>`).join("")}</ul>
<p>Before</p><pre>${escape(one.plan_before ?? "")}</pre>
<p>After</p><pre>${escape(one.plan_after ?? "")}</pre>`;
}

const section = (title: string, body: string) => body === "" ? "" : `<h2>${title}</h2>\n${body}\n`;
const list = (items: readonly string[]) =>
  items.length === 0 ? "" : `<ul>${items.map((item) => `<li>${item}</li>`).join("\n")}</ul>`;

/** Returns a rehearsal as an HTML page without scripts. Pure. */
export function htmlReport(rehearsal: Rehearsal): string {
  const { id, status, verdict, summary, cost, problems, uncovered } = rehearsal;
  const statements = inOrder(rehearsal.statements);
  const table = statements.length === 0 ? "" : `<table>
<thead><tr><th>statement</th><th>verdict</th><th>improvement</th><th>before</th><th>after</th><th>share</th><th>parameters</th></tr></thead>
<tbody>
${statements.map(row).join("\n")}
</tbody>
</table>`;
  const locks = cost && cost.locks.length > 0
    ? `<table><thead><tr><th>lock</th><th>relation</th><th>held</th><th>waited for it</th></tr></thead><tbody>${
      cost.locks.map(({ lock, relation, held_ms, blocked }) =>
        `<tr><td>${escape(lock)}</td><td>${escape(relation)}</td><td>${
          escape(msWords(held_ms))
        }</td><td>${escape(blocked.join(", ") || "nobody")}</td></tr>`
      ).join("\n")
    }</tbody></table>`
    : "";
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Rehearsal ${escape(id)}</title>
<link rel="stylesheet" href="/assets/report.css">
</head>
<body>
<h1>Rehearsal</h1>
<p class="${classOf(verdict ?? "")}"><strong>${
    escape(summary ?? `No verdict: ${status}`)
  }</strong></p>
<p>${escape(coverageWords(rehearsal))}.</p>
<pre>${escape(rehearsal.change)}</pre>
${section("Problems", list(problems.map(escape)))}${section("Statements", table)}${
    section("The change itself", list(costLines(rehearsal).map(escape)) + locks)
  }${
    section(
      "Plans that changed",
      statements.filter(wasExecutedOtherwise).map(plans).join("\n"),
    )
  }${
    section(
      "Missing indexes",
      list(rehearsal.candidates.map(({ id, detail, sql }) =>
        `<code>${escape(sql)}</code> (advice ${escape(id)}): ${escape(detail)}`
      )),
    )
  }${
    section(
      "Not replayed",
      list(uncovered.map(({ query, share, reason }) =>
        `${escape(shareWords(share))}: <code>${escape(query.slice(0, 200))}</code>: ${
          escape(reason)
        }`
      )),
    )
  }<p><small>${escape(id)}: profile ${escape(rehearsal.profile)}, seed ${rehearsal.seed}, ${
    escape(rehearsal.created_at)
  } to ${escape(rehearsal.finished_at ?? "now")}.</small></p>
</body>
</html>
`;
}
