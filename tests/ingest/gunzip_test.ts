import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { gunzip } from "../../services/ingest/parse/gunzip.ts";
import { cut } from "../helpers/ticks.ts";

const member = (text: string) => [...gzipSync(text)];
const zeros = (count: number) => new Array<number>(count).fill(0);

async function unpack(bytes: readonly number[], sizes: readonly number[]): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of gunzip(cut(Uint8Array.from(bytes), sizes))) {
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 4 });

Deno.test("members are read to the last, however they are cut, and padding after them is none", async () => {
  const texts = fc.array(fc.string({ maxLength: 60 }), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(texts, fc.nat(50), sizes, async (texts, padding, sizes) => {
      const bytes = [...texts.flatMap(member), ...zeros(padding)];
      assert.equal(await unpack(bytes, sizes), texts.join(""));
    }),
    { numRuns: 100 },
  );
});

Deno.test("data behind the padding is refused, never dropped", async () => {
  const junk = fc.constantFrom([0x61], [0x1f, 0x8b], [0, 0, 1]);
  const more = fc.oneof(fc.string({ minLength: 1, maxLength: 20 }).map(member), junk);
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 50 }), more, sizes, async (padding, more, sizes) => {
      const bytes = [...member("a row\n"), ...zeros(padding), ...more];
      // Cut just so, the decompressor takes the bytes after a zero for a member; what is none is damaged then.
      const text = await unpack(bytes, sizes).catch(({ code }) => code);
      assert.notEqual(text, "a row\n");
    }),
    { numRuns: 100 },
  );
  const bytes = [...member("a row\n"), ...zeros(10), ...member("another\n")];
  await assert.rejects(unpack(bytes, [1_000]), {
    code: "malformed_body",
    message: "Cannot decompress the body: other data follows its gzip data",
  });
});

Deno.test("a source is closed when its data is no longer wanted", async () => {
  let closed = false;
  async function* endless() {
    try {
      for (;;) yield Uint8Array.from(member("x".repeat(1_000)));
    } finally {
      closed = true;
    }
  }
  for await (const _ of gunzip(endless())) break;
  await new Promise((done) => setTimeout(done));
  assert.ok(closed);
});
