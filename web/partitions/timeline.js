// A table's partitions drawn over time, walked with the arrow keys, read out in words; the legend of their states.
import { fitCanvas } from "../lib/canvas.js";
import { serverNow } from "../lib/clock.js";
import { html, useEffect, useRef, useState } from "../lib/view.js";
import { indexOfNow } from "./model.js";
import { paintState, STATES } from "./states.js";
import { createTimeline } from "./timeline_canvas.js";
import { slotWords } from "./words.js";

export function PartitionTimeline({ name, model, onSelect }) {
  const detail = useRef(null);
  const overview = useRef(null);
  const timeline = useRef(null);
  const latest = useRef(onSelect);
  latest.current = onSelect;
  const [slot, select] = useState(null);
  useEffect(() => {
    timeline.current = createTimeline(detail.current, overview.current, (next) => {
      select(next);
      latest.current?.(next);
    });
    return () => timeline.current.close();
  }, []);
  useEffect(() => select(timeline.current.show(model)), [model]);
  const leaves = model.slots.filter(({ kind }) => kind === "leaf").length;
  const now = model.slots[indexOfNow(model, serverNow())];
  const said = slot
    ? slotWords(slot, model.isTime)
    : now
    ? `Now: ${slotWords(now, model.isTime)}`
    : "";
  const at = slot ? model.slots.indexOf(slot) : indexOfNow(model, serverNow());
  return html`
    <div hidden=${model.slots.length === 0}>
      <canvas class="timeline" ref=${detail} tabindex="0" role="slider" aria-label=${`Timeline of ${leaves} partitions of ${name}; use the arrow keys to move`}
        aria-valuemin="0" aria-valuemax=${Math.max(0, model.slots.length - 1)} aria-valuenow=${Math
          .max(0, at)}
        aria-valuetext=${said} />
      <canvas class="overview" ref=${overview} aria-hidden="true" hidden />
      <p class="readout" aria-live="polite">${said}</p>
    </div>${model.slots.length === 0 && html`<p class="empty">This table has no partitions.</p>`}
  `;
}

function Swatch({ state }) {
  const canvas = useRef(null);
  useEffect(() => {
    const draw = () => paintState(fitCanvas(canvas.current, 18, 12), state, 0, 0, 18, 12);
    draw();
    document.addEventListener("themechange", draw);
    return () => document.removeEventListener("themechange", draw);
  }, [state]);
  return html`<canvas class="swatch" ref=${canvas} aria-hidden="true" />`;
}

/** The states that are to be seen, in the order of a partition's life, what is wrong last. */
export function Legend({ models }) {
  const present = new Set(models.flatMap(({ slots }) => slots.map(({ state }) => state)));
  const wrong = ["default", "damaged", "overlap", "hole"];
  const entries = Object.keys(STATES).filter((state) => present.has(state));
  const life = entries.filter((state) => !wrong.includes(state)).reverse();
  const order = [...life, ...entries.filter((state) => wrong.includes(state))];
  return html`<ul class="legend" aria-label="States of a partition">${
    order.map((state) => html`<li key=${state}><${Swatch} state=${state} />${state}</li>`)
  }</ul>`;
}
