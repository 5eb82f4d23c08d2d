// The best status that panels may show, as the overall one changes.
import { useStore } from "../lib/store.js";
import { app } from "../state.js";
import { atMost } from "./verdict.js";

/**
 * Returns what limits a tone to the overall status; renders again when that limit changes. `readAt` of the app's state says
 * when the figures were read, where they have an age of their own.
 */
export function useAtMost(readAt = () => undefined) {
  const most = useStore(app, (state) => atMost("good", state, readAt(state)));
  return (tone) => (tone === "good" ? most : tone);
}
