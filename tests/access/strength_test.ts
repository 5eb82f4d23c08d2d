import assert from "node:assert/strict";
import { randomBytes, randomInt } from "node:crypto";
import fc from "fast-check";
import { weakSettings, weakTokens } from "../../services/auth/weaknesses.ts";
import { plausibleBits, strongBits } from "../../services/auth/strength.ts";
import { randomToken } from "../../services/auth/tokens.ts";

Deno.test("random tokens of 128 bits are strong in every usual form", () => {
  const letters = "abcdefghijklmnopqrstuvwxyz";
  for (let n = 0; n < 1_000; n++) {
    const forms = [
      randomBytes(20).toString("hex"),
      randomBytes(20).toString("base64"),
      randomBytes(20).toString("base64url"),
      randomToken(),
      Array.from({ length: 40 }, () => letters[randomInt(26)]).join(""),
      crypto.randomUUID() + crypto.randomUUID(),
    ];
    for (const form of forms) {
      assert.ok(plausibleBits(form) >= strongBits, `${form}: ${plausibleBits(form)}`);
    }
  }
});

Deno.test("what people make up is weak", () => {
  const madeUp = [
    "hunter2!",
    "secret-token",
    "admin-token-of-this-test",
    "CorrectHorseBatteryStaple",
    "a".repeat(64),
    "0123456789abcdef0123456789abcdef",
    "abcdefghijklmnopqrstuvwxyz0123456789",
    "changeme".repeat(10),
    "20261127202611272026112720261127",
  ];
  for (const token of madeUp) {
    assert.ok(plausibleBits(token) < strongBits, `${token}: ${plausibleBits(token)}`);
  }
});

Deno.test("no text has fewer than no bits, nor more than its characters carry", () => {
  fc.assert(fc.property(fc.string({ minLength: 1, unit: "grapheme-ascii" }), (text) => {
    const bits = plausibleBits(text);
    assert.ok(bits >= 0 && bits <= text.length * Math.log2(95), `${text}: ${bits}`);
    assert.ok(plausibleBits(text + text) <= bits + 1e-9, "said twice it is no better");
  }));
});

const settings = {
  HOST: "127.0.0.1",
  HOLDFAST_TOKEN: undefined,
  HOLDFAST_READ_TOKEN: undefined,
  HOLDFAST_TRUSTED_PROXIES: [],
};
const strong = "c".concat(randomBytes(32).toString("hex"));

Deno.test("weak settings are named, and never shown", () => {
  assert.deepEqual(weakSettings(settings), []);
  const weak = weakSettings({ ...settings, HOLDFAST_TOKEN: "hunter2hunter3" });
  assert.match(weak[0]?.what ?? "", /^HOLDFAST_TOKEN has \d+ bits at most/);
  assert.doesNotMatch(JSON.stringify(weak), /hunter/);
  const far = { ...settings, HOST: "0.0.0.0" };
  assert.match(JSON.stringify(weakSettings(far)), /all who reach it/);
  const proxied = weakSettings({ ...far, HOLDFAST_TOKEN: strong });
  assert.deepEqual(proxied.map(({ serious }) => serious), [false]);
  const open = { ...far, HOLDFAST_TOKEN: strong, HOLDFAST_TRUSTED_PROXIES: ["0.0.0.0/0"] };
  assert.match(JSON.stringify(weakSettings(open)), /anybody may claim/);
  const same = { ...settings, HOLDFAST_TOKEN: strong, HOLDFAST_READ_TOKEN: strong };
  assert.match(JSON.stringify(weakSettings(same)), /is the same as/);
});

Deno.test("named tokens that nobody is asked for, that expired or are unused are named", () => {
  const one = {
    id: "0123456789ab",
    name: "feed",
    scope: "ingest" as const,
    sha256: "0".repeat(64),
    created_at: "2026-01-01T00:00:00Z",
    created_by: "",
    expires_at: null,
  };
  const now = new Date("2026-06-01T00:00:00Z");
  const of = (token: object, uses = {}, asked = true) =>
    weakTokens({ version: 1, tokens: [{ ...one, ...token }], uses }, { asked, now })
      .map(({ what }) => what).join();
  assert.match(of({}), /feed was not used for 151 days/);
  const used = { [one.id]: { at: "2026-05-31T00:00:00Z", from: "::1" } };
  assert.equal(of({}, used), "");
  assert.match(of({ expires_at: "2026-05-01T00:00:00Z" }, used), /feed has expired/);
  assert.match(of({}, used, false), /no token is required/);
});
