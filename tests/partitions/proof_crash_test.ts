import assert from "node:assert/strict";
import { verifySealed } from "../../services/partitions/sealing/verify.ts";
import { type Guarded, startGuarded } from "../helpers/guardian.ts";
import { slowTests } from "../helpers/skip.ts";
import { startRotation } from "../helpers/rotation_process.ts";

let guarded: Guarded;
const now = "2026-03-15T12:00:00Z";

Deno.test.beforeAll(async () => {
  guarded = await startGuarded();
});
Deno.test.afterAll(() => guarded.stop());

/** In a short run every third change. */
const stride = slowTests.present ? 1 : 3;

const policy = {
  seal: true,
  premake: 0,
  retention: { keep: "30 days", action: "archive-then-drop" as const },
  cooldown: "0",
};

/** A leaf to seal, one to archive and drop, and the present one. */
async function setUp(): Promise<string> {
  await guarded.sql.unsafe(`
    drop schema if exists crash cascade;
    truncate holdfast.detached_partitions, holdfast.sealed_partitions, holdfast.partition_archives;
    create schema crash;
    create table crash.t (ts timestamptz not null, id int not null, primary key (ts, id)) partition by range (ts);
    create table crash.old partition of crash.t for values from ('2026-01-01') to ('2026-01-02');
    create table crash.past partition of crash.t for values from ('2026-03-01') to ('2026-03-02');
    create table crash.present partition of crash.t for values from ('2026-03-14') to ('2026-03-16');
    insert into crash.t select timestamptz '2026-01-01' + g * interval '1 minute', g from generate_series(0, 99) as g;
    insert into crash.t select timestamptz '2026-03-01' + g * interval '1 minute', g from generate_series(0, 49) as g;
    insert into crash.t values ('2026-03-15', 1000);
  `).simple();
  return await Deno.makeTempDir({ prefix: "holdfast-archive-" });
}

function filesIn(folder: string): string[] {
  try {
    return [...Deno.readDirSync(`${folder}/crash.t`)].map(({ name }) => name).sort();
  } catch {
    return [];
  }
}

async function state(folder: string) {
  const relations = await guarded.sql<{ name: string }[]>`
    select c.relname as name from pg_class as c
    where c.relnamespace = 'crash'::regnamespace and c.relkind in ('r', 'p') order by 1`;
  const sealed = await guarded.sql`
    select leaf_name, outcome, sealed_at is not null as done, manifest ->> 'content_hash' as hash
    from holdfast.sealed_partitions order by 1`;
  const detached = await guarded.sql`
    select leaf_name, outcome, archived_at is not null as archived from holdfast.detached_partitions
    where outcome is distinct from 'not detached' order by 1`;
  const archives = await guarded.sql`
    select leaf_name, rows::int, content_hash from holdfast.partition_archives order by 1`;
  const triggers = await guarded.sql`
    select tgrelid::regclass::text as leaf, tgname, tgenabled from pg_trigger
    where tgname like 'holdfast_sealed%' order by 1, 2`;
  const [count] = await guarded.sql`select count(*)::int as rows, sum(id)::int as ids from crash.t`;
  return {
    relations: relations.map(({ name }) => name),
    rows: { ...count },
    sealed: [...sealed].map((row) => ({ ...row })),
    detached: [...detached].map((row) => ({ ...row })),
    archives: [...archives].map((row) => ({ ...row })),
    triggers: [...triggers].map((row) => ({ ...row })),
    files: filesIn(folder),
  };
}

/** At any moment: the rows are in the leaf, or a file with a receipt holds them. */
async function nothingLost(folder: string, where: string): Promise<void> {
  const [leaf] = await guarded.sql`select to_regclass('crash.old') is not null as there`;
  const files = filesIn(folder);
  const receipts = files.filter((name) => name.endsWith(".json"));
  for (const receipt of receipts) {
    assert.ok(
      files.includes(receipt.replace(/json$/, "parquet")),
      `${where}: a receipt has its file`,
    );
  }
  if (!leaf?.there) assert.equal(receipts.length, 1, `${where}: what is dropped is archived`);
}

Deno.test("a seal and an archive-then-drop that end before any statement or file operation end, after the next run, where unbroken ones do", async () => {
  const folder = await setUp();
  const changes: string[] = [];
  {
    await using guardian = guarded.at(now, {
      archiveDir: folder,
      endsBefore: (what) => changes.push(what) < 0,
    });
    await guardian.put("crash.t", policy);
    changes.length = 0;
    assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
  }
  const expected = await state(folder);
  assert.deepEqual(expected.relations, ["past", "present", "t"]);
  assert.deepEqual(expected.rows, { rows: 51, ids: 49 * 25 + 1000 });
  assert.deepEqual(expected.archives.map(({ rows }) => rows), [100]);
  assert.equal(expected.files.length, 2);
  assert.deepEqual(
    changes.filter((what) =>
      /^(write|sync|rename) |insert into "holdfast"."partition_archives"/.test(what)
    )
      .map((what) =>
        what.trim().replace(/ \/.*\.(json|parquet)(\.part)?$/, " .$1").replace(/\s*\(.*/s, "")
      ),
    [
      "write .parquet",
      "sync .parquet",
      "rename .parquet",
      "write .json",
      "sync .json",
      "rename .json",
      `insert into "holdfast"."partition_archives"`,
    ],
  );
  await Deno.remove(folder, { recursive: true });

  for (let at = 0; at < changes.length; at += stride) {
    const where = `ended before ${at}: ${changes[at]}`;
    const again = await setUp();
    {
      let count = 0;
      await using broken = guarded.at(now, {
        archiveDir: again,
        endsBefore: () => count++ === at,
      });
      assert.notDeepEqual((await broken.rotation.rotate("test")).errors, [], where);
      await nothingLost(again, where);
    }
    await using guardian = guarded.at(now, { archiveDir: again });
    assert.deepEqual((await guardian.rotation.rotate("test")).errors, [], where);
    assert.deepEqual(await state(again), expected, where);
    const verdicts = await guardian.pool.run((sql) => verifySealed(sql, { table: "crash.t" }));
    assert.deepEqual(verdicts.map(({ status }) => status), ["intact"], where);
    await Deno.remove(again, { recursive: true });
  }
});

Deno.test("a process killed amid the file, before its name and before the record leaves nothing the next run does not mend", async () => {
  const directory = guarded.target.kind === "socket" ? guarded.target.directory : "";
  for (const mark of ["sync /", "rename /", `insert into "holdfast"."partition_archives"`]) {
    const folder = await setUp();
    {
      await using guardian = guarded.at(now, { archiveDir: folder });
      await guardian.put("crash.t", policy);
    }
    const { signal } = await startRotation(directory, now, mark, folder).output();
    assert.equal(signal, "SIGKILL", mark);
    await nothingLost(folder, mark);
    const left = filesIn(folder);
    if (!mark.startsWith("insert")) {
      assert.deepEqual(left.map((name) => name.split(".").slice(2).join(".")), ["parquet.part"]);
    }
    await using guardian = guarded.at(now, { archiveDir: folder });
    assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
    const found = await state(folder);
    assert.deepEqual(found.relations, ["past", "present", "t"]);
    assert.equal(found.files.length, 2);
    await Deno.remove(folder, { recursive: true });
  }
});
