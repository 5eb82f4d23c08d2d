// An answer of the API that stays fresh while its page is looked at.
import { contact, request } from "../lib/api.js";
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
 * visible and the page is not paused. Answers `{ data, error, at, loading, reload }`; the last good answer stays.
 */
export function useApi(path, { every = 0, also = [], deadline = 10_000, soon = null } = {}) {
  const [, render] = useState(0);
  const state = useRef({ path: null, data: null, error: null, at: null, loading: true });
  const turn = useRef(() => {});
  if (state.current.path !== path) {
    const before = kept.get(path);
    state.current = {
      path,
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
    let failures = 0;
    let timer = 0;
    const run = async (forced = true) => {
      clearTimeout(timer);
      if (busy || over) return;
      if (!forced && (document.hidden || app.get().paused)) {
        timer = setTimeout(() => run(false), 2_000);
        return;
      }
      busy = true;
      try {
        const data = await request(path, { also, deadline });
        if (over) return;
        failures = 0;
        state.current = { path, data, error: null, at: Date.now(), loading: false };
        keep(path, { data, at: Date.now() });
      } catch (error) {
        if (over) return;
        failures += 1;
        state.current = { ...state.current, error, loading: false };
      }
      busy = false;
      render((count) => count + 1);
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
    const back = () => contact.silent || failures === 0 || run();
    contact.listeners.add(back);
    return () => {
      over = true;
      clearTimeout(timer);
      contact.listeners.delete(back);
    };
  }, [path, every]);
  const first = useRef(true);
  useEffect(() => {
    if (first.current) first.current = false;
    else turn.current();
  }, [soon]);
  return { ...state.current, reload: () => turn.current() };
}

/** Something to do once, with how it went: `run(work)`, `busy`, `error`, `done`. */
export function useAction() {
  const [state, set] = useState({ busy: false, error: null, done: null });
  const run = async (work) => {
    set({ busy: true, error: null, done: null });
    try {
      const done = await work();
      set({ busy: false, error: null, done: done ?? true });
      return done ?? true;
    } catch (error) {
      set({ busy: false, error, done: null });
      return undefined;
    }
  };
  return { ...state, run, clear: () => set({ busy: false, error: null, done: null }) };
}
