// A running benchmark as its frames tell it: how far, what now, and what came out.
import { request } from "./api.js";
import { h, setHidden, setText } from "./dom.js";
import { improvementWords } from "./bench_words.js";
import { words } from "./format.js";

const MOST_LINES = 12;
const OVER = ["completed", "aborted", "failed"];

/** Binds the progress box; `finished()` is called when the run is over. */
export function createBenchProgress(root, { finished }) {
  const what = h("p", { class: "progress-what", role: "status" });
  const meter = h("progress", { max: "1" });
  const abort = h("button", { type: "button", class: "small admin" }, "Abort");
  const results = h("ul", { class: "progress-results" });
  root.append(h("div", { class: "progress-line" }, what, abort), meter, results);
  meter.setAttribute("aria-label", "Benchmark progress");
  let running = null; // the run's id, "" while it is not known
  let over = null;

  abort.addEventListener("click", async () => {
    abort.disabled = true;
    setText(what, "Stopping…");
    try {
      await request(`/api/benchmarks/runs/${encodeURIComponent(running)}`, { method: "DELETE" });
    } catch (error) {
      setText(what, `Not stopped: ${error.message}`);
      abort.disabled = false;
    }
  });

  function begin(id) {
    if (running !== null && (running === id || id === "")) return;
    if (running === "") {
      running = id;
      setHidden(abort, false);
      return;
    }
    running = id;
    over = null;
    results.replaceChildren();
    meter.removeAttribute("value");
    abort.disabled = false;
    setHidden(abort, id === "");
    setHidden(root, false);
    setHidden(meter, false);
  }

  function end(text) {
    over = running;
    running = null;
    setText(what, text);
    setHidden(abort, true);
    setHidden(meter, true);
    finished();
  }

  return {
    running: () => running !== null,
    /** What /api/benchmarks/runs says: an active run, or null when none is. */
    known(run) {
      if (run === null) {
        if (running) end("The run is over.");
        return;
      }
      const fresh = running === null;
      begin(String(run.id ?? ""));
      if (fresh) {
        setText(
          what,
          `A ${run.profile ?? ""} run is ${
            run.status ?? "in progress"
          }; waiting for its first figures.`,
        );
      }
    },
    heard(data) {
      if (!data || typeof data !== "object") return;
      const id = String(data.run_id ?? "");
      if (data.state === "finished" || OVER.includes(data.state)) {
        // The last frame is sent again to each new page; only our own run is worth a word.
        if (running !== null && (running === id || running === "")) {
          running = id;
          end(endWords(data));
        }
        return;
      }
      if (id !== "" && id === over) return;
      begin(id);
      if (data.state === "result") results.prepend(h("li", {}, resultWords(data)));
      while (results.childElementCount > MOST_LINES) results.lastElementChild.remove();
      const steps = data.total > 0 ? `${data.done ?? 0} of ${data.total}` : null;
      if (data.total > 0) meter.value = Math.min(1, (data.done ?? 0) / data.total);
      const now = [steps, data.case ?? words(data.category), data.message].filter(Boolean);
      if (data.state !== "result") setText(what, now.join(" · "));
    },
  };
}

function endWords(data) {
  const how = OVER.includes(data.status) ? data.status : "over";
  return `The run is ${how}${data.message ? `: ${data.message}` : "."}`;
}

function resultWords(data) {
  const { result } = data;
  const name = String(result?.case ?? data.case ?? data.category ?? "case");
  if (typeof result?.improvement !== "number") {
    return `${name}: ${result?.why || data.message || result?.verdict || "measured"}`;
  }
  const say = (value) => improvementWords(result, value);
  const verdict = words(result.verdict ?? "measured").toLowerCase();
  return `${name}: ${say(result.improvement)} (${say(result.ci_low)} to ${
    say(result.ci_high)
  }), ${verdict}`;
}
