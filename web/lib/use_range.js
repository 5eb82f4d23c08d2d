// The time range of the page as a hook.
import { serverNow } from "./clock.js";
import { useAddress } from "./router.js";
import { readRange } from "./time_range.js";

export function useRange() {
  return readRange(useAddress().query, serverNow());
}
