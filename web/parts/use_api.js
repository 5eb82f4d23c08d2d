// An answer of the API that stays fresh while its page is looked at.
import { contact, request } from "../lib/api.js";
import { serverNow } from "../lib/clock.js";
import { useEffect, useRef, useState } from "../lib/view.js";
import { app } from "../state.js";

const KEPT = 40;
const kept = new Map();
const SLOWEST_MS = 30_000;
const RETRY_MS = 3_000;

function keep(path, entry) {
  kept.delete(path);
  kept.set(path, entry);
  if (kept.size > KEPT) kept.delete(kept.keys().next().value);
}

/**
 * Asks `path` (null: nothing) now and every `every` ms (0: once), one question at a time, only while the tab is
 * visible and the page is not paused. Answers `{ data, error, at, loading, reload }`, `at` in ms of the server's clock; the
 * last good answer stays. `subject` names what paths that change with the time ask for: they keep each other's answer.
 */
export function useApi(
  path,
  { every = 0, also = [], deadline = 10_000, soon = null, subject = null } = {},
) {
  const [, render] = useState(0);
  const state = useRef({ path: undefined, data: null, error: null, at: null, loading: true });
  const turn = useRef(() => {});
  if (state.current.path !== path) {
    const same = subject !== null && state.current.subject === subject && path !== null;
    const before = kept.get(path) ?? (same ? state.current : null);
    state.current = {
      path,
      subject,
      data: before?.data ?? null,
      error: null,
      at: before?.at ?? null,
      loading: path !== null,
    };
  }
  useEffect(() => {
    if (path === null) return;
    let over = false;
    let busy = false;
    let again = false;
    let failures = 0;
    let timer = 0;
    const run = async (forced = true) => {
      clearTimeout(timer);
      // An answer that is on its way may be from before the change that this asks for.
      if (busy) again = true;
      if (busy || over) return;
      if (!forced && (document.hidden || app.get().paused)) {
        timer = setTimeout(() => run(false), 2_000);
        return;
      }
      busy = true;
      try {
        const data = await request(path, { also, deadline });
        if (over || state.current.path !== path) return;
        failures = 0;
        const at = serverNow();
        state.current = { path, subject, data, error: null, at, loading: false };
        keep(path, { data, at });
      } catch (error) {
        if (over || state.current.path !== path) return;
        failures += 1;
        state.current = { ...state.current, error, loading: false };
      }
      busy = false;
      render((count) => count + 1);
      if (again) {
        again = false;
        return run();
      }
      // What is asked once is asked again only while it failed for a reason that may pass.
      const passing = failures > 0 && (state.current.error?.status ?? 500) >= 500;
      const base = every > 0 ? every : passing ? RETRY_MS : 0;
      const wait = base * (failures > 0 ? Math.min(8, 2 ** (failures - 1)) : 1);
      if (base > 0) {
        timer = setTimeout(() => run(false), Math.max(base, Math.min(SLOWEST_MS, wait)));
      }
    };
    turn.current = run;
    run();
    const back = () => contact.silent || failures === 0 || busy || run();
    contact.listeners.add(back);
    return () => {
      over = true;
      clearTimeout(timer);
      contact.listeners.delete(back);
    };
  }, [path, every]);
  const first = useRef(true);
  useEffect(() => {
    // What is pushed waits while the page is paused, as what is due does.
    if (first.current) first.current = false;
    else turn.current(false);
  }, [soon]);
  return { ...state.current, reload: () => turn.current() };
}

/** Something to do once, with how it went: `run(work)`, `busy`, `error`, `done`. `work` gets whether it is the last one. */
export function useAction() {
  const [state, set] = useState({ busy: false, error: null, done: null });
  const last = useRef(0);
  const run = async (work) => {
    const mine = ++last.current;
    // Of several, the last one counts: an earlier one may end later.
    const tell = (next) => mine === last.current && set(next);
    tell({ busy: true, error: null, done: null });
    try {
      const done = await work(() => mine === last.current);
      tell({ busy: false, error: null, done: done ?? true });
      return done ?? true;
    } catch (error) {
      tell({ busy: false, error, done: null });
      return undefined;
    }
  };
  return { ...state, run, clear: () => set({ busy: false, error: null, done: null }) };
}
