import assert from "node:assert/strict";
import { bytesText, durationText } from "../../lib/text/format.ts";

Deno.test("bytes are shown in units of 1,024 with one digit after the point", () => {
  const shown = [0, 1_023, 1_024, 1_536, -2_048, 10 * 1024 ** 3, 1.26 * 1024 ** 2].map(bytesText);
  assert.deepEqual(shown, ["0 B", "1023 B", "1 kB", "1.5 kB", "-2 kB", "10 GB", "1.3 MB"]);
});

Deno.test("a duration is shown in the largest unit of which there are two", () => {
  const shown = [0, 119, 120, 7_199, 7_200, 172_799, 172_800, -300].map(durationText);
  assert.deepEqual(shown, ["0 s", "119 s", "2 min", "120 min", "2 h", "48 h", "2 d", "-5 min"]);
});
