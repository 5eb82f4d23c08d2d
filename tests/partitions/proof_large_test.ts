import assert from "node:assert/strict";
import { verifySealed } from "../../services/partitions/sealing/verify.ts";
import { startGuarded } from "../helpers/guardian.ts";

/** Figures for docs/partitions.md; too slow for every run. */
const wanted = Deno.env.get("HOLDFAST_TEST_LARGE") === "1";

Deno.test({
  name:
    "a million ticks: how long a seal, a verification and an archive take, and what writers feel",
  ignore: !wanted,
  async fn() {
    const guarded = await startGuarded();
    const folder = await Deno.makeTempDir({ prefix: "holdfast-archive-" });
    const now = "2026-03-15T12:00:00Z";
    try {
      await guarded.sql.unsafe(`
        create schema big;
        create table big.t (
          ts timestamptz not null, price float8 not null, size float8 not null, seq bigint not null,
          instrument_id int4 not null, exchange text, side text, trade_id text
        ) partition by range (ts);
        create index on big.t (instrument_id, ts);
        create table big.old partition of big.t for values from ('2026-01-01') to ('2026-01-02');
        create table big.now partition of big.t for values from ('2026-03-14') to ('2026-03-17');
        insert into big.t
        select timestamptz '2026-01-01' + g * interval '86 ms', (random() * 10000)::int / 100.0, 100, g, g % 500, 'P', null, null
        from generate_series(0, 999999) as g`).simple();
      await using guardian = guarded.at(now, { archiveDir: folder });
      const took: Record<string, number> = {};
      const timed = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
        const started = performance.now();
        const answer = await work();
        took[what] = Math.round(performance.now() - started);
        return answer;
      };
      let worst = 0;
      let on = true;
      const writer = (async () => {
        while (on) {
          const started = performance.now();
          await guarded.sql`insert into big.t values (${now}, 1, 1, 1, 1, null, null, null)`;
          worst = Math.max(worst, performance.now() - started);
          await new Promise((done) => setTimeout(done, 1));
        }
      })();
      await guardian.put("big.t", { seal: true, premake: 0 });
      const sealed = await timed("seal", () => guardian.rotation.rotate("test"));
      assert.deepEqual(sealed.errors, []);
      const [verdict] = await timed(
        "verify",
        () => guardian.pool.run((sql) => verifySealed(sql, { table: "big.t" })),
      );
      assert.equal(verdict?.status, "intact");
      await guardian.put("big.t", {
        seal: true,
        premake: 0,
        retention: { keep: "30 days", action: "archive-then-drop" },
      });
      assert.deepEqual((await timed("archive", () => guardian.rotation.rotate("test"))).errors, []);
      on = false;
      await writer;
      const [file] = [...Deno.readDirSync(`${folder}/big.t`)].filter(({ name }) =>
        name.endsWith(".parquet")
      );
      const { size } = await Deno.stat(`${folder}/big.t/${file?.name}`);
      console.log({ ...took, file_bytes: size, worst_insert_ms: Math.round(worst) });
    } finally {
      await guarded.stop();
      await Deno.remove(folder, { recursive: true });
    }
  },
});
