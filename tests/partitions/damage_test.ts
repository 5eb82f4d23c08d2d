import assert from "node:assert/strict";
import { verifySealed } from "../../services/partitions/sealing/verify.ts";
import { eventually } from "../helpers/eventually.ts";
import { startGuarded } from "../helpers/guardian.ts";

const now = "2026-03-15T12:00:00Z";

/** Flips one bit of the last byte of `text` where it first stands in a file from a page on. */
async function flipByte(path: string, page: number, text: string): Promise<number> {
  const bytes = await Deno.readFile(path);
  const wanted = new TextEncoder().encode(text);
  for (let at = page * 8192; at < bytes.length - wanted.length; at++) {
    if (!wanted.every((byte, offset) => bytes[at + offset] === byte)) continue;
    const last = at + wanted.length - 1;
    bytes[last] = (bytes[last] ?? 0) ^ 1;
    await Deno.writeFile(path, bytes);
    return Math.floor(last / 8192);
  }
  throw new Error(`${text} does not stand in ${path}`);
}

for (const checksums of [false, true]) {
  Deno.test(`one byte flipped on disk with checksums ${checksums ? "on" : "off"} is found and named`, async () => {
    const guarded = await startGuarded({}, { checksums });
    try {
      await guarded.sql.unsafe(`
        create schema disk;
        create table disk.t (ts timestamptz not null, id bigint not null, note text) partition by range (ts);
        create table disk.d1 partition of disk.t for values from ('2026-03-01') to ('2026-03-02');
        create table disk.d2 partition of disk.t for values from ('2026-03-02') to ('2026-03-03');
        insert into disk.t
        select timestamptz '2026-03-01 00:00+00' + g * interval '8.64 seconds', g, 'row number ' || g || '!'
        from generate_series(0, 19999) as g`).simple();
      const [{ file } = { file: "" }] = await guarded.sql<{ file: string }[]>`
        select pg_relation_filepath('disk.d2') as file`;
      let page = -1;
      {
        await using guardian = guarded.at(now);
        await guardian.put("disk.t", { seal: true, premake: 0 });
        assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
      }
      await guarded.server.restart(async () => {
        page = await flipByte(`${guarded.server.data}/${file}`, 30, "row number 15000!");
      });
      await eventually(
        () => guarded.sql`select 1`.then(() => true, () => false),
        "the server is there again",
      );
      await using guardian = guarded.at(now);
      const [first, second] = await guardian.pool.run((sql) =>
        verifySealed(sql, { table: "disk.t" })
      );
      assert.equal(first?.status, "intact");
      if (checksums) {
        assert.equal(second?.status, "unreadable");
        assert.deepEqual(second?.unreadable.map(({ from, to }) => [from, to]), [[page, page + 1]]);
        assert.match(second?.unreadable[0]?.error ?? "", /^XX001: invalid page in block/);
        // The rows of that page are missing from the stretches that they belong to, and from no others.
        assert.ok(second?.differences.every(({ kind }) => kind === "rows missing"));
        const lost = (second?.expected_rows ?? 0) - (second?.rows ?? 0);
        assert.ok(lost > 50 && lost < 200, `one page of rows is lost, not ${lost}`);
      } else {
        assert.equal(second?.status, "changed");
        // 15,000 × 8.64 s after the first of March is the second, 12:00.
        assert.deepEqual(
          second?.differences.map(({ from, to, kind }) => [from, to, kind]),
          [["2026-03-02 12:00:00+00", "2026-03-02 12:15:00+00", "content changed"]],
        );
      }
    } finally {
      await guarded.stop();
    }
  });
}
