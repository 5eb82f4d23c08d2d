// One category: its verdict, and its interval as a bar against the target.
import { asks, fromTo, improvementWords } from "./bench_words.js";
import { h, setText } from "./dom.js";
import { dateTime, words } from "./format.js";
import { icon, toneOf } from "./icons.js";

const VERDICTS = ["pass", "fail", "inconclusive", "not_measured"];
const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

/** A keyed row for `keyedList`. */
export function createBenchRow() {
  const title = h("h3");
  const ask = h("p", { class: "faint" });
  const figure = h("p", { class: "bench-figure" });
  const range = h("p", { class: "card-facts" });
  const bar = h("div", { class: "interval", role: "img" });
  const badge = h("p", { class: "badge" });
  const node = h(
    "article",
    { class: "bench" },
    h("div", {}, title, ask),
    h("div", {}, figure, range),
    bar,
    badge,
  );
  let version = "";

  return {
    node,
    update(row) {
      const next = JSON.stringify(row);
      if (next === version) return;
      version = next;
      const verdict = VERDICTS.includes(row.verdict) ? row.verdict : "not_measured";
      const say = (value) => improvementWords(row, value);
      const measured = verdict !== "not_measured" && isNumber(row.improvement);
      setText(title, words(row.category));
      setText(ask, asks(row.category));
      setText(figure, measured ? say(row.improvement) : "not measured");
      node.dataset.measured = String(measured);
      setText(range, fromTo(row));
      badge.replaceChildren(icon(verdict, 16), verdict.replace("_", " "));
      badge.dataset.tone = toneOf(verdict);
      badge.title = row.measured_at ? `measured ${dateTime(row.measured_at)} UTC` : "";
      drawInterval(bar, row, measured, say, toneOf(verdict));
    },
  };
}

function drawInterval(bar, row, measured, say, tone) {
  const low = isNumber(row.ci_low) ? row.ci_low : row.improvement;
  const high = isNumber(row.ci_high) ? row.ci_high : row.improvement;
  const ends = [...(measured ? [low, high] : []), row.target].filter(isNumber);
  bar.replaceChildren();
  bar.hidden = ends.length === 0;
  if (ends.length === 0) return;
  const floor = Math.min(0, ...ends);
  const span = (Math.max(...ends) - floor) * 1.12 || 1;
  const at = (value) => `${((value - floor) / span) * 100}%`;
  const place = (name, left, width) => {
    const mark = h("span", { class: name });
    mark.style.left = left;
    if (width) mark.style.width = width;
    bar.append(mark);
    return mark;
  };
  bar.append(h("span", { class: "track" }));
  if (measured) {
    place(`ci tone-${tone}`, at(low), `${Math.max(0.6, ((high - low) / span) * 100)}%`);
    place("point", at(row.improvement));
  }
  if (isNumber(row.target)) {
    const share = (row.target - floor) / span;
    place("target", at(row.target));
    const label = place(share > 0.5 ? "target-label before" : "target-label", at(row.target));
    label.textContent = `target ${say(row.target)}`;
  }
  const interval = measured ? `${say(low)} to ${say(high)} (95 % interval)` : "not measured";
  bar.setAttribute(
    "aria-label",
    `${interval}${isNumber(row.target) ? `, target ${say(row.target)}` : ""}`,
  );
  if (measured) bar.append(h("span", { class: "ci-label" }, `95 %: ${say(low)} to ${say(high)}`));
}
