// The benchmarks panel: what each optimisation is worth here, and a run that can be watched.
import { request } from "./api.js";
import { createBenchRow } from "./bench_row.js";
import { createBenchProgress } from "./bench_progress.js";
import { byId, h, keyedList, setText } from "./dom.js";
import { dateTime } from "./format.js";
import { createPanel } from "./panel.js";
import { poll } from "./poll.js";

const CATEGORIES = [
  "insert_performance",
  "calculation_performance",
  "high_frequency_capacity",
  "query_performance",
  "connection_pool",
  "partition_maintenance",
  "monitoring_overhead",
  "broadcast_fanout",
];

export function createBenchmarks() {
  const panel = createPanel(byId("benchmarks"));
  const start = byId("benchmark-run");
  const update = keyedList(byId("benchmark-list"), (row) => row.category, createBenchRow);
  const progress = createBenchProgress(byId("benchmark-progress"), { finished });
  const refused = h("p", { class: "note", role: "status", hidden: true });
  byId("benchmark-progress").before(refused);

  const feed = poll({
    every: 30_000,
    async run() {
      show(await request("/api/health/performance"));
      panel.answered();
    },
    failed: panel.failed,
  });
  // A run that somebody started before this page was opened.
  poll({
    every: 30_000,
    async run() {
      const answer = await request("/api/benchmarks/runs");
      const active = (answer?.runs ?? []).find((run) =>
        ["queued", "running"].includes(run?.status)
      );
      progress.known(active ?? null);
      lock();
    },
    failed() {
      // The panel above already says that Holdfast is silent.
    },
  });

  start.addEventListener("click", async () => {
    start.disabled = true;
    refused.hidden = true;
    try {
      const run = await request("/api/benchmarks/runs", {
        method: "POST",
        body: { profile: "quick" },
        deadline: 15_000,
      });
      progress.known({ id: run?.id ?? run?.run_id ?? null, profile: "quick", status: "queued" });
    } catch (error) {
      refused.hidden = false;
      setText(
        refused,
        error.status === 409
          ? `Not started: ${error.message} Its progress shows here as it comes.`
          : `Not started: ${error.message}`,
      );
    }
    lock();
  });

  function show(answer) {
    const rows = Array.isArray(answer?.categories) ? answer.categories : [];
    const missing = CATEGORIES.filter((name) => !rows.some((row) => row?.category === name))
      .map((category) => ({ category, verdict: "not_measured" }));
    update([...rows.filter((row) => row?.category), ...missing]);
    const passed = rows.filter((row) => row.verdict === "pass").length;
    const judged = rows.filter((row) => row.verdict && row.verdict !== "not_measured").length;
    setText(
      byId("benchmarks-aside"),
      judged === 0
        ? "nothing measured on this server yet"
        : `${passed} of ${judged} targets met${
          answer.measured_at ? `, measured ${dateTime(answer.measured_at)}` : ""
        }`,
    );
  }

  function finished() {
    lock();
    feed.poke();
  }

  function lock() {
    start.disabled = progress.running();
    setText(start, progress.running() ? "Benchmark running…" : "Run quick benchmark");
  }

  return {
    /** A `performance_benchmark` frame. */
    heard(data) {
      progress.heard(data);
      lock();
    },
    poke: feed.poke,
  };
}
