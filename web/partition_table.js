// One managed table: runway, facts, timeline, problems, and its leaves as a list.
import { serverNow } from "./clock.js";
import { h, setHidden, setText } from "./dom.js";
import { bytes, compact } from "./format.js";
import { icon } from "./icons.js";
import { indexOfNow, layOut } from "./partition_model.js";
import {
  holeWords,
  listingWords,
  policyWords,
  problemWords,
  rangeWords,
  runwayWords,
  slotWords,
  tableFacts,
} from "./partition_words.js";
import { createTimeline } from "./timeline.js";

const LISTED = 200;

/** A keyed row for `keyedList`. */
export function createTableCard() {
  const name = h("h3");
  const runway = h("p", { class: "runway" });
  const facts = h("p", { class: "card-facts" });
  const policy = h("p", { class: "card-facts faint" });
  const problems = h("ul", { class: "problems" });
  const detail = h("canvas", { class: "timeline", tabindex: "0", role: "slider" });
  const overview = h("canvas", { class: "overview", "aria-hidden": "true", hidden: true });
  const line = h("p", { class: "readout", "aria-live": "polite" });
  const summary = h("summary");
  const listing = h("details", { class: "leaves" }, summary);
  const drawing = h("div", { class: "timeline-box" }, detail, overview);
  const node = h(
    "article",
    { class: "card" },
    h("div", { class: "card-head" }, name, runway),
    facts,
    policy,
    problems,
    drawing,
    line,
    listing,
  );
  let model = { slots: [], isTime: true };
  let version = "";
  const timeline = createTimeline(detail, overview, (slot) => read(slot));

  /** What is walked to is read out: a slider's value is its text. */
  function read(slot) {
    const words = describe(slot);
    setText(line, words);
    const at = slot ? model.slots.indexOf(slot) : indexOfNow(model, serverNow());
    detail.setAttribute("aria-valuenow", String(Math.max(0, at)));
    detail.setAttribute("aria-valuetext", words);
  }

  function describe(slot) {
    if (slot) return slotWords(slot, model.isTime);
    const now = model.slots[indexOfNow(model, serverNow())];
    return now ? `Now: ${slotWords(now, model.isTime)}` : "";
  }

  listing.addEventListener("toggle", () => fill());
  function fill() {
    listing.querySelector(".table-scroll")?.remove();
    if (listing.open) listing.append(leafTable(model));
  }

  return {
    node,
    close: timeline.close,
    update(table) {
      const next = JSON.stringify(table);
      setText(facts, tableFacts(table));
      if (next === version) {
        timeline.show(model); // "now" moves on
        return;
      }
      version = next;
      model = layOut(table);
      setText(name, table.table);
      const [tone, text] = runwayWords(table.runway_seconds);
      runway.replaceChildren(icon(tone), h("span", {}, text));
      setText(policy, policyWords(table.policy));
      const told = [
        ...(Array.isArray(table.problems) ? table.problems : []).map(problemWords),
        ...(table.default_rows > 0
          ? [`${compact(table.default_rows)} rows in the default partition`]
          : []),
        ...holeWords(table, model),
      ];
      problems.replaceChildren(
        ...told.slice(0, 20).map((one) => h("li", {}, icon("warning", 16), h("span", {}, one))),
      );
      const leaves = model.slots.filter((slot) => slot.kind === "leaf").length;
      setHidden(drawing, model.slots.length === 0);
      setHidden(listing, leaves === 0);
      setText(summary, listingWords(model));
      detail.setAttribute(
        "aria-label",
        `Timeline of ${leaves} partitions of ${table.table}; arrow keys walk through them`,
      );
      detail.setAttribute("aria-valuemin", "0");
      detail.setAttribute("aria-valuemax", String(Math.max(0, model.slots.length - 1)));
      read(timeline.show(model));
      if (model.slots.length === 0) setText(line, "This table has no partitions.");
      fill();
    },
  };
}

function leafTable({ slots, isTime }) {
  const leaves = slots.filter((slot) => slot.kind === "leaf");
  const rows = leaves.slice(-LISTED).reverse().map((slot) =>
    h(
      "tr",
      {},
      h("td", {}, slot.name),
      h("td", {}, slot.state),
      h("td", {}, rangeWords(slot, isTime)),
      h("td", { class: "num" }, compact(slot.rows)),
      h("td", { class: "num" }, bytes(slot.bytes)),
    )
  );
  const heads = ["Partition", "State", "Range", "Rows, about", "Size"];
  return h(
    "div",
    { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Partitions" },
    h(
      "table",
      {},
      leaves.length > LISTED ? h("caption", {}, `The newest ${LISTED} of ${leaves.length}`) : null,
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          heads.map((head, index) =>
            h("th", { scope: "col", class: index > 2 ? "num" : null }, head)
          ),
        ),
      ),
      h("tbody", {}, rows),
    ),
  );
}
