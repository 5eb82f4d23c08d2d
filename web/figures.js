// The figures with their last hour, from /api/health/database and the live channel.
import { request } from "./api.js";
import { createSparkline } from "./charts.js";
import { everySecond, learnServerTime, serverNow } from "./clock.js";
import { byId, h, setHidden, setText } from "./dom.js";
import { FIGURES } from "./figures_list.js";
import { ago, clock, UNKNOWN } from "./format.js";
import { createAdvice } from "./advice.js";
import { createPanel } from "./panel.js";
import { poll } from "./poll.js";

const HOUR_MS = 3_600_000;
const STALE_MS = 60_000;

/** Creates the panel; `onHealth(answer)` hears each answer of /api/health/database. */
export function createFigures({ onHealth }) {
  const panel = createPanel(byId("figures"));
  const advice = createAdvice(byId("advice"));
  const tiles = FIGURES.map(createTile);
  byId("tiles").append(...tiles.map((tile) => tile.node));
  let measuredAt = null;

  const feed = poll({
    every: 5_000,
    async run() {
      const answer = await request("/api/health/database", { also: [503] });
      const at = Date.parse(answer?.checked_at ?? "");
      if (Number.isFinite(at) && Number.isFinite(answer.age_ms)) {
        learnServerTime(at + answer.age_ms);
      }
      measuredAt = Number.isFinite(at) ? at : null;
      panel.answered();
      show(answer, at);
      advice.show(answer?.recommendations);
      onHealth(answer);
    },
    failed: panel.failed,
  });

  function show(data, at) {
    for (const tile of tiles) {
      tile.show(data?.performance_metrics ?? {}, data?.connection_pool ?? {}, at / 1000);
    }
    age();
  }

  function age() {
    const ms = measuredAt === null ? null : Math.max(0, serverNow() - measuredAt);
    setText(byId("figures-age"), ms === null ? "" : `measured ${ago(ms)}`);
    if (ms !== null && ms > STALE_MS) {
      panel.stale(`Nothing has been measured since ${clock(measuredAt)} UTC.`);
    }
  }

  everySecond(age);
  seed(tiles);
  return {
    /** A `database_performance` frame: the same figures, pushed. Its age is for the answers to tell. */
    heard(data, ts) {
      const at = Date.parse(data?.checked_at ?? ts ?? "");
      if (measuredAt === null || !(at < measuredAt)) show(data, at);
    },
    poke: feed.poke,
  };
}

function createTile(figure) {
  const value = h("span", { class: "tile-value" }, UNKNOWN);
  const limit = h("span", { class: "tile-of" });
  const bar = h("span", { class: "meter", "aria-hidden": "true", hidden: true }, h("span"));
  const sub = h("p", { class: "tile-sub" });
  const canvas = h("div", { class: "spark", "aria-hidden": "true" });
  const node = h(
    "article",
    { class: "tile", "data-unknown": "true" },
    h("h3", {}, figure.label),
    h("p", { class: "tile-line" }, value, limit),
    bar,
    canvas,
    sub,
  );
  let spark = null;
  let subText = "";

  function hover(point) {
    setText(sub, point ? `${clock(point[0] * 1000)} · ${figure.show(point[1] ?? null)}` : subText);
  }

  return {
    node,
    figure,
    spark: () => (spark ??= createSparkline(canvas, hover)),
    show(metrics, pool, seconds) {
      const read = figure.read(metrics, pool) ?? null;
      setText(value, figure.show(read));
      node.dataset.unknown = String(read === null);
      setText(limit, (read !== null && figure.of?.(metrics, pool)) || "");
      const share = figure.share?.(metrics, pool);
      setHidden(bar, !Number.isFinite(share));
      if (Number.isFinite(share)) {
        bar.firstElementChild.style.width = `${Math.min(100, Math.max(0, share * 100))}%`;
      }
      subText = figure.sub(metrics, pool) || "";
      if (!canvas.matches(":hover")) setText(sub, subText);
      // What is unknown is unknown now, however old the answer: the line must not seem to go on.
      this.spark().push(read === null ? serverNow() / 1000 : seconds, read);
    },
  };
}

/** Draws the last hour from /api/metrics/{name}, one by one; what is not kept there just grows. */
async function seed(tiles) {
  let known = null;
  try {
    const index = await request("/api/metrics");
    if (Array.isArray(index?.metrics)) {
      known = new Set(index.metrics.map((entry) => entry?.name ?? entry));
    }
  } catch {
    // Without a list each is asked for by name.
  }
  for (const tile of tiles) {
    const { metric } = tile.figure;
    if (known && !known.has(metric)) continue;
    const to = new Date(serverNow());
    const from = new Date(to.getTime() - HOUR_MS);
    const query = new URLSearchParams({ from: from.toISOString(), to: to.toISOString() });
    try {
      const history = await request(`/api/metrics/${encodeURIComponent(metric)}?${query}`);
      const points = (history?.points ?? [])
        .map((point) => [Date.parse(point.ts) / 1000, point.value])
        .filter(([seconds]) => Number.isFinite(seconds));
      tile.spark().seed(points);
    } catch {
      // No history: the line starts now.
    }
  }
}
