// From what /api/health/partitions says to what can be drawn: slots in order, pure.
import { compact, day, hourMinute, monthYear } from "../lib/format.js";

const DAY_MS = 86_400_000;
const EPOCH_MS = { epoch_s: 1000, epoch_ms: 1, epoch_us: 1e-3, epoch_ns: 1e-6 };

/**
 * The slots of a table, oldest first: leaves and holes, each `{ kind, state, name, from, to, rows,
 * bytes, gapBefore }`. `isTime`: whether bounds are ms since the epoch.
 */
export function layOut(table) {
  const children = Array.isArray(table?.children) ? table.children : [];
  const key = table?.policy?.key ?? null;
  const isTime = key !== "id" &&
    !children.some((child) => isPlainNumber(child?.from) && !EPOCH_MS[key]);
  const read = (bound) => readBound(bound, isTime, key);
  const leaves = children.map((child) => ({
    kind: "leaf",
    state: shownState(child),
    problem: typeof child?.problem === "string" ? child.problem : null,
    sealedAt: Date.parse(child?.sealed_at ?? "") || null,
    name: String(child?.partition ?? "unnamed"),
    from: read(child?.from),
    to: read(child?.to),
    rows: finite(child?.rows_estimate),
    bytes: finite(child?.bytes),
  }));
  const holes = (Array.isArray(table?.holes) ? table.holes : []).map((hole) => ({
    kind: "hole",
    state: "hole",
    name: typeof hole === "string" ? hole : "hole",
    from: read(hole?.from ?? hole?.[0]),
    to: read(hole?.to ?? hole?.[1]),
    rows: null,
    bytes: null,
  })).filter((hole) => hole.from !== null || hole.to !== null);
  const slots = [...leaves, ...holes].sort((a, b) => (a.from ?? -Infinity) - (b.from ?? -Infinity));
  slots.forEach((slot, index) => {
    const before = slots[index - 1]?.to ?? null;
    slot.gapBefore = before !== null && slot.from !== null && slot.from > before;
  });
  markOverlaps(slots);
  return { slots, isTime };
}

/** Returns a kind that shows problems and position too, not the state alone. */
function shownState(child) {
  if (child?.problem) return "damaged";
  return child?.is_default === true ? "default" : String(child?.state ?? "unknown");
}

/** Partitions that take rows and whose ranges overlap: Postgres allows none, a torn reading may show some. */
function markOverlaps(slots) {
  let before = null;
  for (const slot of slots) {
    const takes = slot.kind === "leaf" && slot.from !== null &&
      !["detached", "archived", "default"].includes(slot.state);
    if (!takes) continue;
    if (before && before.to !== null && slot.from < before.to) {
      before.state = slot.state = "overlap";
    }
    before = slot;
  }
}

function finite(value) {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : null;
}

function isPlainNumber(bound) {
  return typeof bound === "number" || /^-?\d+$/.test(String(bound ?? ""));
}

function readBound(bound, isTime, key) {
  if (bound === null || bound === undefined) return null;
  if (isPlainNumber(bound)) return Number(bound) * (isTime ? EPOCH_MS[key] ?? 1 : 1);
  const ms = Date.parse(bound);
  return Number.isFinite(ms) ? ms : null;
}

/** The slot that holds `now`, else the hot one, else the last that is not planned, else -1. */
export function indexOfNow({ slots, isTime }, now) {
  if (isTime) {
    const holding = slots.findLastIndex((slot) =>
      (slot.from !== null || slot.to !== null) && (slot.from ?? -Infinity) <= now &&
      now < (slot.to ?? Infinity)
    );
    if (holding >= 0) return holding;
  }
  const hot = slots.findIndex((slot) => slot.state === "hot");
  if (hot >= 0) return hot;
  return slots.findLastIndex((slot) => slot.kind === "leaf" && slot.state !== "planned");
}

/**
 * Returns the last slot of the continuous cover that contains `now`: after it inserts find no partition. -1 when nothing
 * covers the present, or when the cover has no end.
 */
export function runwayEnd(model, now) {
  const { slots } = model;
  let last = indexOfNow(model, now);
  if (!covers(slots[last])) return -1;
  for (let next = last + 1; next < slots.length; next += 1) {
    if (!covers(slots[next])) continue;
    if (slots[next].from > slots[last].to) break;
    last = next;
  }
  return slots[last].to === null ? -1 : last;
}

const covers = (slot) =>
  slot?.kind === "leaf" && slot.from !== null &&
  !["detached", "archived", "default"].includes(slot.state);

/** The stretch of `count` slots to show in full, with `centre` two thirds along. */
export function windowAround(total, count, centre) {
  const first = Math.round((centre < 0 ? total : centre) - count * 0.66);
  const start = Math.max(0, Math.min(first, total - count));
  return { start, end: Math.min(total, start + count) };
}

/** A short name of where a slot begins: "12 Mar" (with its year where that is not plain), "14:00", "Mar 2026", "1.2 M". */
export function slotLabel(slot, isTime) {
  if (slot.state === "default") return "default";
  if (slot.from === null) return "…";
  if (!isTime) return compact(slot.from);
  const span = (slot.to ?? slot.from + DAY_MS) - slot.from;
  const distant = Math.abs(slot.from - Date.now()) > 300 * DAY_MS;
  if (span < DAY_MS && slot.from % DAY_MS !== 0) return hourMinute(slot.from);
  if (span < 27 * DAY_MS) return day(slot.from, distant);
  return span < 300 * DAY_MS ? monthYear(slot.from) : monthYear(slot.from).slice(-4);
}
