// The partitions panel: per managed table its runway in words, its leaves drawn, its problems.
import { request } from "./api.js";
import { byId, h, keyedList, setText } from "./dom.js";
import { serverNow } from "./clock.js";
import { dateTime } from "./format.js";
import { createPanel } from "./panel.js";
import { fitCanvas, paintState, STATES } from "./paint.js";
import { layOut } from "./partition_model.js";
import { createTableCard } from "./partition_table.js";
import { poll } from "./poll.js";

const STALE_MS = 180_000;
const UNREAD = "Partitions have not been read yet; what they are like is unknown.";
const NONE_MANAGED = "No table is managed yet. PUT /api/partitions/policies/{table} adds one.";

export function createPartitions() {
  const panel = createPanel(byId("partitions"));
  const list = byId("partitions-list");
  const update = keyedList(list, (table) => table.table, createTableCard);
  const empty = h("p", { class: "empty", hidden: true });
  byId("partitions").append(empty);
  let present = new Set();
  document.addEventListener("themechange", () => drawLegend(present));

  const feed = poll({
    every: 30_000,
    async run() {
      const answer = await request("/api/health/partitions", { also: [503], deadline: 15_000 });
      show(answer);
      panel.answered();
      const readAt = Date.parse(answer?.checked_at ?? "");
      if (serverNow() - readAt > STALE_MS) {
        panel.stale(`Partitions were last read at ${dateTime(readAt)} UTC, as shown below.`);
      }
    },
    failed: panel.failed,
  });

  function show(answer) {
    const tables = Array.isArray(answer?.tables) ? answer.tables : [];
    update(tables);
    present = statesOf(tables);
    drawLegend(present);
    empty.hidden = tables.length > 0;
    setText(empty, answer?.checked_at === null ? UNREAD : NONE_MANAGED);
    const leaves = tables.reduce((sum, one) => sum + (one.partitions ?? 0), 0);
    setText(
      byId("partitions-aside"),
      tables.length === 0
        ? ""
        : `${tables.length} ${tables.length === 1 ? "table" : "tables"}, ${
          leaves.toLocaleString("en")
        } ${leaves === 1 ? "partition" : "partitions"}`,
    );
  }

  return {
    /** A `partition_status` frame: shown when it is whole, else a hint to ask. */
    heard(data) {
      const whole = Array.isArray(data?.tables) &&
        data.tables.every((table) => table?.table && Array.isArray(table.children));
      if (whole) show(data);
      else feed.poke();
    },
    poke: feed.poke,
  };
}

function statesOf(tables) {
  return new Set(tables.flatMap((table) => layOut(table).slots.map(({ state }) => state)));
}

/** The states that are to be seen, in the order of a leaf's life, what is wrong last. */
function drawLegend(present) {
  const wrong = ["default", "damaged", "overlap", "hole"];
  const entries = Object.keys(STATES).filter((state) => present.has(state));
  const life = entries.filter((state) => !wrong.includes(state)).reverse();
  const order = [...life, ...entries.filter((state) => wrong.includes(state))];
  byId("partitions-legend").replaceChildren(...order.map((state) => {
    const swatch = h("canvas", { "aria-hidden": "true", class: "swatch" });
    paintState(fitCanvas(swatch, 18, 12), state, 0, 0, 18, 12);
    return h("li", {}, swatch, state);
  }));
}
