// What every panel does about trouble: keep its last figures, and say plainly what is wrong.
import { contact } from "./api.js";
import { clock } from "./format.js";
import { setHidden, setText } from "./dom.js";

/** Binds a panel's note: `answered()` clears it, `failed(error)` explains and marks it stale. */
export function createPanel(root) {
  const note = root.querySelector(".note");
  let shown = false;
  let lastGood = null;
  let failing = false;

  function say(text, tone = "warn") {
    note.dataset.tone = tone;
    setText(note, text);
    setHidden(note, false);
  }

  return {
    root,
    answered() {
      shown = true;
      failing = false;
      lastGood = Date.now();
      delete root.dataset.stale;
      setHidden(note, true);
    },
    /** Marks figures that are old although Holdfast answers; a failure says more and stays. */
    stale(text) {
      if (failing) return;
      root.dataset.stale = "";
      say(text);
    },
    failed(error) {
      failing = true;
      root.dataset.stale = "";
      say(explain(error, shown, lastGood), error?.kind === "http" ? "warn" : "bad");
    },
  };
}

function explain(error, shown, lastGood) {
  const below = shown ? "; last figures below" : "";
  if (error?.kind === "http") {
    if (error.status === 404) return `This Holdfast does not offer this yet (404)${below}.`;
    const verb = error.status >= 500 ? "cannot answer" : "refuses";
    return `Holdfast ${verb}: ${error.message.replace(/\.$/, "")} (${error.status})${below}.`;
  }
  if (error?.kind === "network" || error?.kind === "timeout") {
    const since = lastGood ?? contact.answeredAt;
    return since === null
      ? "No answer from Holdfast yet. Is it running?"
      : `No answer from Holdfast since ${clock(since)} UTC${below}.`;
  }
  return `This answer could not be shown${below}.`;
}
