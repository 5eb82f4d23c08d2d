import assert from "node:assert/strict";
import { type Document, operationsIn, type Parameter } from "../fuzz/requests.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";

let app: TestApp;
Deno.test.beforeAll(async () => {
  app = await startApp();
});
Deno.test.afterAll(() => app.stop());

interface IdSchema {
  type: string;
  format?: string;
  pattern?: string;
  minimum?: number;
  maximum?: number;
}

/** Ids that are as they should be and that nothing has, by how the document writes them. */
function unknownId(path: string, { type, format, pattern }: IdSchema): string {
  if (type === "integer") return "2147483647";
  if (format === "uuid") return "00000000-0000-4000-8000-000000000000";
  const candidates = [
    "999999999",
    "no_such.table",
    "20010101T000000Z-abcdef",
    "0123456789ab",
    "no_such_name",
  ];
  const found = candidates.find((one) => new RegExp(pattern ?? "").test(one));
  assert.ok(found, `${path}: no example of ${pattern}`);
  return found;
}

const malformed: Record<string, string[]> = {
  integer: ["0", "-1", "1e3", "x", "99999999999", "01", " 1"],
  uuid: ["x", "1", "00000000-0000-4000-8000-00000000000", "{00000000-0000-4000-8000-000000000000}"],
  pattern: ["\n", "%"],
};

/** Bodies that requests with a required body need to get as far as the id. */
const bodies: Record<string, unknown> = {
  "PATCH /api/instruments/{id}": { kind: "etf" },
  "PUT /api/partitions/policies/{table}": { interval: "1 day", key: "timestamptz" },
};

const withIds = () =>
  operationsIn(app.holdfast.document as unknown as Document).flatMap((operation) => {
    const ids = operation.parameters.filter((one: Parameter) => one.in === "path");
    return ids.length === 0 ? [] : [{ operation, id: ids[0] as Parameter }];
  });

async function ask(method: string, path: string, name: string, id: string, body: unknown) {
  const answer = await app.request(path.replace(`{${name}}`, encodeURIComponent(id)), {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
  });
  return { status: answer.status, text: await answer.text() };
}

Deno.test("the document has one form of each kind of id, and says which", () => {
  const kinds = new Map<string, string>();
  for (const { operation: { path }, id } of withIds()) {
    const { type, format, pattern, minimum, maximum } = id.schema as unknown as IdSchema;
    const form = JSON.stringify({ type, format, pattern, minimum, maximum });
    assert.ok(
      type === "integer" && minimum !== undefined && maximum !== undefined ||
        format === "uuid" || pattern !== undefined,
      `${path} does not say what its ${id.name} looks like: ${form}`,
    );
    const kind = path.slice(0, path.indexOf("{")) + id.name;
    assert.equal(kinds.get(kind) ?? form, form, `${kind} has two forms`);
    kinds.set(kind, form);
  }
  assert.ok(kinds.size >= 12, String(kinds.size));
});

Deno.test("an id that nothing has is 404, one that is no id is 400, on every operation", async () => {
  for (const { operation: { method, path }, id } of withIds()) {
    const schema = id.schema as unknown as IdSchema;
    const body = bodies[`${method} ${path}`];
    const unknown = await ask(method, path, id.name, unknownId(path, schema), body);
    assert.deepEqual(
      [method, path, unknown.status, JSON.parse(unknown.text).code],
      [method, path, 404, "not_found"],
    );
    const kind = schema.type === "integer" ? "integer" : schema.format ?? "pattern";
    for (const text of malformed[kind] ?? []) {
      const { status, text: answer } = await ask(method, path, id.name, text, body);
      assert.deepEqual(
        [method, path, text, status, JSON.parse(answer).code, JSON.parse(answer).errors?.[0]?.path],
        [method, path, text, 400, "invalid_request", id.name],
      );
    }
  }
});
