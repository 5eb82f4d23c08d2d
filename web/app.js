// The dashboard: puts the panels together and hands each the frames that are its own.
import { createAlerts } from "./alerts.js";
import { createBenchmarks } from "./benchmarks.js";
import { createFigures } from "./figures.js";
import { createLive } from "./live.js";
import { createMarket } from "./market.js";
import { createPartitions } from "./partitions.js";
import { startSession } from "./session.js";
import { toast } from "./toast.js";
import { createVerdict } from "./verdict.js";

/** Starts one panel; a panel that cannot start says so and leaves the others be. */
function start(id, create) {
  try {
    return create();
  } catch {
    const note = document.querySelector(`#${id} .note`);
    if (note) {
      note.textContent = "This panel could not start in this browser.";
      note.hidden = false;
    }
    return null;
  }
}

startSession();
const verdict = start("verdict", createVerdict);
const alerts = start("alerts", () => createAlerts({ toast }));
const figures = start("figures", () =>
  createFigures({
    onHealth(answer) {
      verdict?.measured(answer?.checked_at, answer?.age_ms);
      verdict?.heard(answer?.overall_status);
      alerts?.fromHealth(answer?.alerts);
    },
  }));
const partitions = start("partitions", createPartitions);
const benchmarks = start("benchmarks", createBenchmarks);
const market = start("market", createMarket);

const HEARD_BY = {
  database_performance({ data, ts }) {
    figures?.heard(data, ts);
    verdict?.heard(data?.overall_status);
  },
  performance_alert: ({ data, ts }) => alerts?.heard(data, ts),
  partition_status: ({ data }) => partitions?.heard(data),
  performance_benchmark: ({ data }) => benchmarks?.heard(data),
};

let opened = 0;
createLive({
  url: `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`,
  onFrame: (frame) => HEARD_BY[frame.type]?.(frame),
  onState(state) {
    verdict?.channel(state);
    if (state.phase !== "open") return;
    opened += 1;
    // What the channel could not replay is asked for.
    if (opened > 1) {
      for (const panel of [verdict, alerts, figures, partitions, benchmarks, market]) {
        panel?.poke();
      }
    }
  },
});
