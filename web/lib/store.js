// A value that components watch.
import { useEffect, useState } from "./view.js";

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
  const selected = select(store.get());
  useEffect(() => {
    let last = select(store.get());
    return store.watch((value) => {
      const next = select(value);
      if (Object.is(next, last)) return;
      last = next;
      render((count) => count + 1);
    });
  }, [store]);
  return selected;
}
