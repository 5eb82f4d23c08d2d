// A value that components watch.
import { useEffect, useRef, useState } from "./view.js";

/** Creates a store: `get`, `set(changes)` merges and notifies the listeners, `watch(listener)` adds one. */
export function createStore(initial) {
  let value = initial;
  const listeners = new Set();
  return {
    get: () => value,
    set(changes) {
      value = { ...value, ...changes };
      for (const listener of [...listeners]) listener(value);
    },
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** What `select` makes of a store's value; renders again when that changes. */
export function useStore(store, select = (value) => value) {
  const [, render] = useState(0);
  const drawn = useRef({});
  const selected = select(store.get());
  drawn.current = { select, selected };
  useEffect(() => {
    const look = (value) => {
      const next = drawn.current.select(value);
      if (Object.is(next, drawn.current.selected)) return;
      drawn.current = { ...drawn.current, selected: next };
      render((count) => count + 1);
    };
    // It may have changed since it was drawn: effects run after the screen is painted.
    look(store.get());
    return store.watch(look);
  }, [store]);
  return selected;
}
