// Who blocks whom, from the roots down, and the two things one may do about it.
import { request } from "../lib/api.js";
import { duration } from "../lib/format.js";
import { html } from "../lib/view.js";
import { May, Sure } from "../parts/controls.js";
import { Cut } from "../parts/cut.js";
import { Failed } from "../parts/panel.js";
import { useAction } from "../parts/use_api.js";
import { toast } from "../state.js";

const MOST = 100;

/** How many sessions wait behind one, at any depth. */
export const waitingBehind = (one) =>
  (one.blocked ?? []).reduce((sum, next) => sum + 1 + waitingBehind(next), 0);

/** Whether a session runs a statement: cancelling a session that is idle, also in a transaction, changes nothing. */
const runs = ({ state }) => !/^idle/.test(state ?? "");

/** Cancel, where a statement runs, and terminate for a session; `after` hears that one was signalled. */
export function SessionActions({ session, after }) {
  const action = useAction();
  if (!(session.pid > 0)) {
    return html`<span class="faint">a prepared transaction: commit or roll it back by its gid</span>`;
  }
  const signal = (kind) =>
    action.run(async () => {
      const query = session.backend_start
        ? `?backend_start=${encodeURIComponent(session.backend_start)}`
        : "";
      await request(`/api/locks/${session.pid}/${kind}${query}`, { method: "POST" });
      toast(
        kind === "cancel"
          ? `The statement of ${session.pid} is cancelled`
          : `Session ${session.pid} is ended, its transaction rolled back`,
        "done",
      );
      after?.();
    });
  return html`<${May}><span class="actions">
    ${
    runs(session) && html`<${Sure} disabled=${action.busy} onClick=${() =>
      signal("cancel")} sure=${`Cancel the statement of ${session.pid}?`}>Cancel<//>`
  }
    <${Sure} disabled=${action.busy} onClick=${() =>
    signal("terminate")} sure=${`End session ${session.pid}, roll back?`}>Terminate<//>
  </span><${Failed} action=${action} /><//>`;
}

/** A process id is used again: a press that was meant for one session must not be confirmed for the next. */
const keyOf = ({ pid, backend_start }) => `${pid} ${backend_start ?? ""}`;

function Session({ one, root, acts, after, budget }) {
  if (budget.left <= 0) return null;
  budget.left -= 1;
  const behind = waitingBehind(one);
  const who = [one.user, one.application].filter(Boolean).join(" · ");
  return html`<li>
    <div class="lock" data-root=${root}>
      <p class="lock-head"><b class="pid">${one.pid > 0 ? one.pid : "prepared"}</b>
        <span class="tag">${
    root ? (one.state ?? "state unknown") : one.waits_for ? `waits for ${one.waits_for}` : "waits"
  }</span>
        <span>${
    root
      ? (one.age_seconds === null ? "" : `open for ${duration(one.age_seconds)}`)
      : `waited ${duration(one.waited_seconds)}`
  }</span>
        ${
    behind > 0 &&
    html`<span class=${root ? "tone-bad" : "faint"}>blocks ${behind} ${
      behind === 1 ? "session" : "sessions"
    }</span>`
  }
        ${who && html`<span class="faint">${who}</span>`}
        ${acts && html`<${SessionActions} session=${one} after=${after} />`}
      </p>
      ${one.query && html`<${Cut} text=${one.query} code=${true} />`}
    </div>
    ${
    one.blocked?.length > 0 && html`<ul class="locks">${
      one.blocked.map((next) =>
        html`
          <${Session} key=${keyOf(next)} one=${next} root=${false} acts=${acts} after=${after}
            budget=${budget} />
        `
      )
    }</ul>`
  }
  </li>`;
}

/** The tree; with `acts` each session can be cancelled or ended. */
export function LockTree({ roots, acts = true, after }) {
  const budget = { left: MOST };
  const sorted = [...(roots ?? [])].sort((a, b) => waitingBehind(b) - waitingBehind(a));
  if (sorted.length === 0) return html`<p class="empty">No session waits for a lock.</p>`;
  const left = sorted.reduce((sum, one) => sum + 1 + waitingBehind(one), 0) - MOST;
  return html`<ul class="locks roots" aria-label="Blocking tree">${
    sorted.map((one) =>
      html`
        <${Session} key=${keyOf(one)} one=${one} root=${true} acts=${acts} after=${after}
          budget=${budget} />
      `
    )
  }</ul>${left > 0 && html`<p class="faint">${left} more sessions are not drawn.</p>`}`;
}
