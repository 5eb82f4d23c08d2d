import assert from "node:assert/strict";
import { createStopSignals, SAME_REQUEST_MS } from "../../commands/common/stop_signals.ts";

Deno.test("one request to stop that comes twice, as through a wrapper, stops in order; a later one ends at once", () => {
  let time = 5000;
  const seen: string[] = [];
  const onSignal = createStopSignals({
    stop: (signal) => seen.push(signal),
    end: () => seen.push("end"),
    now: () => time,
  });
  onSignal("SIGINT");
  onSignal("SIGINT");
  time += SAME_REQUEST_MS;
  onSignal("SIGTERM");
  assert.deepEqual(seen, ["SIGINT"]);
  time += 1;
  onSignal("SIGINT");
  assert.deepEqual(seen, ["SIGINT", "end"]);
});
