// One table's leaves over time: rows as columns, states as a patterned band, and "now".
import { colour, fitCanvas } from "../lib/canvas.js";
import { serverNow } from "../lib/clock.js";
import { indexOfNow, runwayEnd, slotLabel, windowAround } from "./model.js";
import { paintState, STATES } from "./states.js";

const SLOT_WIDTH = 26;
const MOST_PITCH = 240;
const ROWS_TOP = 18;
const ROWS_HEIGHT = 40;
const BAND_TOP = ROWS_TOP + ROWS_HEIGHT + 4;
const BAND_HEIGHT = 20;
const LABELS_AT = BAND_TOP + BAND_HEIGHT + 14;
const HEIGHT = LABELS_AT + 6;
const OVERVIEW_HEIGHT = 18;
/** Where many slots share one column of pixels, the most telling state is drawn. */
const TELLING = [
  "damaged",
  "overlap",
  "hole",
  "sealing",
  "hot",
  "default",
  "detached",
  "planned",
  "sealed",
  "archived",
];

/**
 * Binds the canvases of one table. `onSelect(slot | null)` hears the slot that is pointed at or
 * walked to with the arrow keys; null means none.
 */
export function createTimeline(detail, overview, onSelect) {
  let model = { slots: [], isTime: true };
  let view = { start: 0, end: 0 };
  let selected = -1;
  let centre = null; // null follows now

  function draw() {
    const width = detail.parentElement.clientWidth;
    if (width === 0) return;
    const total = model.slots.length;
    const fits = Math.max(6, Math.floor(width / SLOT_WIDTH));
    view = windowAround(total, fits, centre ?? indexOfNow(model, serverNow()));
    drawDetail(width);
    overview.hidden = total <= fits;
    if (!overview.hidden) drawOverview(width);
  }

  function drawDetail(width) {
    const context = fitCanvas(detail, width, HEIGHT);
    const slots = model.slots.slice(view.start, view.end);
    const pitch = Math.min(MOST_PITCH, width / Math.max(1, slots.length));
    const most = Math.max(1, ...slots.map((slot) => slot.rows ?? 0));
    const now = serverNow();
    context.font = "11px system-ui, sans-serif";
    let labelEnd = -Infinity;
    let nowAt = null;
    slots.forEach((slot, index) => {
      const x = index * pitch;
      const inner = Math.max(1, pitch - 2);
      drawRows(context, slot, x, inner, most);
      paintState(context, slot.state, x + 1, BAND_TOP, inner, BAND_HEIGHT);
      if (slot.gapBefore && index > 0) gapMark(context, x);
      if (view.start + index === selected) outline(context, x, pitch);
      const label = slotLabel(slot, model.isTime);
      const wide = context.measureText(label).width;
      if (x > labelEnd && x + wide <= width) {
        context.fillStyle = colour("muted");
        context.fillText(label, x + 1, LABELS_AT);
        labelEnd = x + wide + 12;
      }
      if (model.isTime && slot.from !== null && slot.from <= now && now < slot.to) {
        nowAt = x + pitch * (now - slot.from) / (slot.to - slot.from);
      }
    });
    const end = runwayEnd(model, now);
    if (end >= view.start && end < view.end) {
      mark(context, (end - view.start + 1) * pitch, width, "runway ends", { dashed: true });
    }
    if (nowAt !== null) mark(context, nowAt, width, "now", { dashed: false });
  }

  function drawOverview(width) {
    const context = fitCanvas(overview, width, OVERVIEW_HEIGHT);
    const total = model.slots.length;
    const columns = Math.min(total, Math.floor(width / 2));
    const step = width / columns;
    for (let column = 0; column < columns; column += 1) {
      const first = Math.floor(column * total / columns);
      const last = Math.max(first + 1, Math.floor((column + 1) * total / columns));
      const states = model.slots.slice(first, last).map((slot) => slot.state);
      const telling = TELLING.find((state) => states.includes(state)) ?? states[0];
      paintState(context, telling, column * step, 4, Math.ceil(step), OVERVIEW_HEIGHT - 8);
    }
    context.strokeStyle = colour("text");
    context.lineWidth = 2;
    const left = view.start / total * width;
    const span = (view.end - view.start) / total * width;
    context.strokeRect(left + 1, 1, Math.max(5, span) - 2, OVERVIEW_HEIGHT - 2);
  }

  function select(index, follow) {
    selected = index;
    if (follow && index >= 0 && (index < view.start || index >= view.end)) centre = index;
    draw();
    onSelect(model.slots[index] ?? null);
  }

  detail.addEventListener("pointermove", (event) => {
    const shown = view.end - view.start;
    const pitch = Math.min(MOST_PITCH, detail.clientWidth / Math.max(1, shown));
    const index = Math.floor(event.offsetX / pitch);
    const at = index < shown ? view.start + index : -1;
    if (at !== selected) select(at, false);
  });
  detail.addEventListener("pointerleave", () => select(-1, false));
  detail.addEventListener("blur", () => select(-1, false));
  detail.addEventListener("keydown", (event) => {
    const last = model.slots.length - 1;
    const here = selected >= 0 ? selected : indexOfNow(model, serverNow());
    const page = view.end - view.start;
    const moves = {
      ArrowLeft: here - 1,
      ArrowRight: here + 1,
      PageUp: here - page,
      PageDown: here + page,
      Home: 0,
      End: last,
    };
    if (!(event.key in moves) || last < 0) return;
    event.preventDefault();
    select(Math.max(0, Math.min(last, moves[event.key])), true);
  });
  const move = (event) => {
    if (event.type === "pointermove" && event.buttons === 0) return;
    centre = Math.round(event.offsetX / overview.clientWidth * model.slots.length);
    draw();
  };
  overview.addEventListener("pointerdown", move);
  overview.addEventListener("pointermove", move);
  const watching = new ResizeObserver(draw);
  watching.observe(detail.parentElement);
  document.addEventListener("themechange", draw);

  return {
    /** Draws `next` and keeps the selected slot. Returns that slot, or null. */
    show(next) {
      const here = model.slots[selected];
      model = next;
      selected = model.slots.findIndex((slot) =>
        here && slot.kind === here.kind && slot.name === here.name && slot.from === here.from
      );
      draw();
      return model.slots[selected] ?? null;
    },
    close() {
      watching.disconnect();
      document.removeEventListener("themechange", draw);
    },
  };
}

function drawRows(context, slot, x, inner, most) {
  if (slot.kind === "hole" || slot.state === "planned" || slot.state === "archived") return;
  const ground = ROWS_TOP + ROWS_HEIGHT;
  if (slot.rows === null) {
    context.fillStyle = colour("muted");
    context.fillText("?", x + inner / 2 - 2, ground - 2);
    return;
  }
  const tall = slot.rows === 0 ? 1 : Math.max(2, slot.rows / most * ROWS_HEIGHT);
  context.fillStyle = colour(slot.state === "hot" ? STATES.hot.token : "rows");
  context.fillRect(x + 1, ground - tall, inner, tall);
}

function gapMark(context, x) {
  context.save();
  context.strokeStyle = colour("muted");
  context.setLineDash([2, 3]);
  context.strokeRect(x, ROWS_TOP, 0, ROWS_HEIGHT + BAND_HEIGHT + 4);
  context.restore();
}

function outline(context, x, pitch) {
  context.strokeStyle = colour("text");
  context.lineWidth = 1.5;
  context.strokeRect(x + 0.5, ROWS_TOP - 2, pitch - 1, ROWS_HEIGHT + BAND_HEIGHT + 8);
}

/** Draws a line through all lanes with its label on top, on its own background: "now" is drawn over the runway's end. */
function mark(context, x, width, word, { dashed }) {
  const at = Math.max(1, Math.min(width - 1, Math.round(x)));
  context.save();
  context.strokeStyle = context.fillStyle = colour("text");
  context.lineWidth = 2;
  if (dashed) context.setLineDash([4, 3]);
  context.beginPath();
  context.moveTo(at, 12);
  context.lineTo(at, BAND_TOP + BAND_HEIGHT + 2);
  context.stroke();
  const wide = context.measureText(word).width;
  const left = Math.max(0, Math.min(width - wide, at - wide / 2));
  context.clearRect(left - 3, 0, wide + 6, 12);
  context.fillText(word, left, 10);
  context.restore();
}
