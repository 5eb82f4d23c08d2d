import assert from "node:assert/strict";
import fc from "fast-check";
import { pageOf } from "../../routes/common/whole_list.ts";
import { HoldfastError } from "../../errors.ts";
import { type Document, operationsIn } from "../fuzz/requests.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { seedLists } from "../helpers/seeded_lists.ts";

let app: TestApp;
Deno.test.beforeAll(async () => {
  app = await startApp({
    HOLDFAST_CHANNELS: JSON.stringify([{
      name: "ops",
      type: "webhook",
      url: "http://127.0.0.1:9/in",
      secret: "long enough",
    }]),
  });
  await seedLists(app);
});
Deno.test.afterAll(() => app.stop());

type Row = Record<string, unknown>;
type Answer = Record<string, unknown> & { next_cursor: string | null };

interface ListOperation {
  path: string;
  plural: string;
  limit: { minimum: number; maximum: number; default: number };
  cursor: boolean;
}

/** What must be given to a list that has required parameters. */
const required: Record<string, string> = {
  "/api/ticks": "symbol=AAA&",
  "/api/candles": "symbol=AAA&",
  "/api/moves": "from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z&",
};

/** Lists whose rows are figures of the moment: there the rows' names are compared, not what they say. */
const moment: Record<string, string[]> = {
  "/api/metrics": ["name", "scope"],
  "/api/queries": ["query_id"],
  "/api/indexes": ["name", "table"],
  "/api/health/feeds": ["symbol"],
  "/api/partitions": ["table"],
  "/api/databases": ["name"],
};

/** Lists that nothing fills here. */
const mayBeShort = new Set([
  "/api/databases",
  "/api/locks",
  "/api/alerts/channels",
  "/api/queries",
  "/api/tokens",
  "/api/audit",
  "/api/moves",
]);

/** Answers that hold an array at the top and are no lists: reports of one thing. */
const reports = new Set([
  "/api/health",
  "/api/health/database",
  "/api/health/partitions",
  "/api/health/performance",
  "/api/benchmarks/validation",
  "/api/exactness",
  "/api/partitions/manifest",
  "/api/partitions/verify",
  "/api/metrics/{name}",
  "/openapi.json",
]);

function listsIn(document: Document): ListOperation[] {
  const schemaOf = (schema: { $ref?: string; properties?: object } | undefined) =>
    schema?.$ref
      ? document.components.schemas?.[schema.$ref.split("/").at(-1) ?? ""] as typeof schema
      : schema;
  return operationsIn(document).filter(({ method }) => method === "GET").flatMap((operation) => {
    const answer = operation.responses["200"] as
      | { content?: Record<string, { schema?: { $ref?: string } }> }
      | undefined;
    const properties = Object.entries(
      schemaOf(answer?.content?.["application/json"]?.schema)?.properties ?? {},
    ) as [string, { type?: string }][];
    const arrays = properties.filter(([, { type }]) => type === "array").map(([name]) => name);
    const isList = properties.some(([name]) => name === "next_cursor");
    if (!isList) {
      if (!operation.path.includes("{")) {
        assert.ok(
          arrays.length === 0 || reports.has(operation.path),
          `${operation.path} answers a list without next_cursor`,
        );
      }
      return [];
    }
    const find = (name: string) => operation.parameters.find((one) => one.name === name);
    return [{
      path: operation.path,
      plural: arrays[0] ?? "",
      limit: find("limit")?.schema as unknown as ListOperation["limit"],
      cursor: find("cursor") !== undefined,
    }];
  });
}

async function read(path: string, query: string): Promise<Answer> {
  const answer = await app.request(`${path}?${required[path] ?? ""}${query}`);
  const text = await answer.text();
  assert.equal(answer.status, 200, `${path}?${query}: ${text}`);
  return JSON.parse(text);
}

Deno.test("every list has a bounded limit with a default, and a cursor", () => {
  const lists = listsIn(app.holdfast.document as unknown as Document);
  assert.ok(lists.length >= 20, String(lists.length));
  for (const { path, limit, cursor } of lists) {
    assert.ok(limit && cursor, `${path} lacks limit or cursor`);
    assert.equal(limit.minimum, 1, path);
    assert.ok(limit.maximum >= 100 && limit.maximum <= 10_000, path);
    assert.ok(limit.default >= 1 && limit.default <= limit.maximum, path);
  }
});

Deno.test("pages of one row give what one page gives, for every list", async () => {
  const pagesMax = 40;
  for (const { path, plural, limit } of listsIn(app.holdfast.document as unknown as Document)) {
    const shown = (row: Row) => {
      const names = moment[path];
      return JSON.stringify(names ? names.map((name) => row[name]) : row);
    };
    const readWhole = async () => {
      const whole = await read(path, `limit=${limit.maximum}`);
      assert.equal(whole.next_cursor, null, path);
      return (whole[plural] as Row[]).map(shown);
    };
    for (let tries = 1;; tries++) {
      const rows = await readWhole();
      if (!mayBeShort.has(path)) {
        assert.ok(
          rows.length >= 2,
          `${path} has ${rows.length} rows, and pages need two: add rows in tests/helpers/seeded_lists.ts`,
        );
      }
      const walked: string[] = [];
      let cursor: string | null = "";
      while (cursor !== null && walked.length < pagesMax) {
        const page: Answer = await read(path, `limit=1${cursor && `&cursor=${cursor}`}`);
        const part = page[plural] as Row[];
        assert.ok(part.length <= 1, path);
        walked.push(...part.map(shown));
        cursor = page.next_cursor;
      }
      // Statements and their figures go on while they are read; their order may change with a new reading.
      // Nor are changes: they reach the audit log a moment after they were made.
      if (["/api/queries", "/api/audit", "/api/sessions"].includes(path)) break;
      // What changed while it was walked, such as an alert of a busy machine, is walked again.
      if (JSON.stringify(await readWhole()) !== JSON.stringify(rows)) {
        assert.ok(tries < 20, `${path} never stands still`);
        continue;
      }
      assert.deepEqual(walked, rows.slice(0, pagesMax), path);
      if (rows.length <= pagesMax) assert.equal(cursor, null, path);
      break;
    }
  }
});

Deno.test("a broken cursor and a limit out of bounds are 400, and say which parameter", async () => {
  for (const { path, limit } of listsIn(app.holdfast.document as unknown as Document)) {
    const wrong = [
      ["cursor", "nonsense"],
      ["cursor", btoa('["x"]').replaceAll("=", "")],
      ["cursor", btoa('["other list","x","1"]').replaceAll("=", "")],
      ["cursor", "%00"],
      ["limit", "0"],
      ["limit", "-1"],
      ["limit", "1e1"],
      ["limit", ""],
      ["limit", String(limit.maximum + 1)],
    ] as const;
    for (const [name, value] of wrong) {
      const answer = await app.request(`${path}?${required[path] ?? ""}${name}=${value}`);
      const { code, errors } = await answer.json();
      assert.deepEqual([path, value, answer.status, code, errors?.[0]?.path], [
        path,
        value,
        400,
        "invalid_request",
        name,
      ]);
    }
  }
});

Deno.test("property: pages of any size give the list, also when rows vanish on the way", () => {
  const keyOf = (row: string) => row;
  fc.assert(fc.property(
    fc.uniqueArray(fc.string({ maxLength: 6 }), { maxLength: 30 }),
    fc.integer({ min: 1, max: 7 }),
    fc.option(fc.nat(29), { nil: undefined }),
    (rows, limit, gone) => {
      const seen: string[] = [];
      let present = rows;
      let cursor: string | undefined;
      for (let pages = 0;; pages++) {
        const page = pageOf(present, { list: "l", limit, cursor, keyOf });
        seen.push(...page.rows);
        if (page.next_cursor === null) break;
        cursor = page.next_cursor;
        if (pages === 0 && gone !== undefined) {
          present = present.filter((_, at) => at !== gone);
        }
      }
      for (const row of present) assert.ok(seen.includes(row));
      if (gone === undefined) assert.deepEqual(seen, rows);
    },
  ));
  assert.throws(
    () => {
      const { next_cursor } = pageOf(["a", "b"], { list: "l", limit: 1, cursor: undefined, keyOf });
      pageOf(["a", "b"], { list: "m", limit: 1, cursor: next_cursor ?? "", keyOf });
    },
    (error) => error instanceof HoldfastError && error.code === "invalid_request",
  );
});
