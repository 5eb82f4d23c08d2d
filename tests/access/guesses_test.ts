import assert from "node:assert/strict";
import fc from "fast-check";
import { addressesMax, createGuesses, inAll, perAddress } from "../../services/auth/guesses.ts";

function guessesAt() {
  const time = { now: 0 };
  return { time, guesses: createGuesses({ nowMs: () => time.now }) };
}

Deno.test("a few wrong tokens cost nothing, then each costs a delay that doubles up to a quarter of an hour", () => {
  const { time, guesses } = guessesAt();
  for (let n = 0; n < perAddress.free; n++) assert.equal(guesses.wrong("a"), undefined);
  const delays: number[] = [];
  for (let n = 0; n < 12; n++) {
    assert.equal(guesses.wrong("a"), undefined, "its time has come");
    const wait = guesses.wrong("a") ?? 0;
    delays.push(wait / 1000);
    time.now += wait;
  }
  assert.deepEqual(delays, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
  assert.equal(guesses.wrong("b"), undefined, "another address pays nothing for it");
  time.now += perAddress.longestDelayMs + perAddress.quietMs;
  for (let n = 0; n <= perAddress.free; n++) assert.equal(guesses.wrong("a"), undefined);
});

Deno.test("guesses spread over addresses are slowed together", () => {
  const { time, guesses } = guessesAt();
  let answered = 0;
  for (let n = 0; n < 100_000; n++) {
    if (guesses.wrong(`address ${n}`) === undefined) answered++;
    time.now += 1; // a thousand a second, for 100 s
  }
  assert.ok(answered <= inAll.free + 10, `${answered}`);
});

Deno.test("memory is bounded, whatever addresses there are", () => {
  const { time, guesses } = guessesAt();
  for (let n = 0; n < addressesMax + 500; n++) {
    // Slow enough for the limit in all not to step in.
    time.now += inAll.longestDelayMs + inAll.quietMs;
    guesses.wrong(`address ${n}`);
  }
  assert.equal(guesses.addresses, addressesMax);
});

Deno.test("whatever comes when: waits are kept, honest, and never longer than the longest", () => {
  const step = fc.record({
    address: fc.constantFrom("a", "b", "c"),
    afterMs: fc.oneof(fc.constant(0), fc.nat(2_000), fc.nat(40 * 60_000)),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
    const { time, guesses } = guessesAt();
    const until = new Map<string, number>();
    for (const { address, afterMs } of steps) {
      time.now += afterMs;
      const wait = guesses.wrong(address);
      if (wait === undefined) {
        assert.ok(time.now >= (until.get(address) ?? 0), "nothing is looked at before its time");
        continue;
      }
      assert.ok(wait > 0 && wait <= perAddress.longestDelayMs);
      const end = time.now + wait;
      assert.ok(end >= (until.get(address) ?? 0), "the end of a wait never comes nearer");
      until.set(address, end);
    }
    // Whoever waits as told is looked at.
    for (const address of ["a", "b", "c"]) {
      const wait = guesses.wrong(address);
      if (wait === undefined) continue;
      time.now += wait;
      const more = guesses.wrong(address);
      assert.ok(more === undefined || more <= inAll.longestDelayMs);
    }
  }));
});

Deno.test("within any minute, an address that hammers is looked at a handful of times", () => {
  fc.assert(fc.property(fc.array(fc.nat(200), { minLength: 300, maxLength: 1_500 }), (gaps) => {
    const { time, guesses } = guessesAt();
    const looked: number[] = [];
    for (const gap of gaps) {
      time.now += gap;
      if (guesses.wrong("a") === undefined) looked.push(time.now);
    }
    const most = Math.max(
      ...looked.map((at) => looked.filter((one) => one >= at && one < at + 60_000).length),
    );
    assert.ok(most <= perAddress.free + 7, `${most}`); // 1+2+4+8+16+32 s
  }));
});
