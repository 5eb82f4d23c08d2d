import assert from "node:assert/strict";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { parse } from "yaml";
import { answerExamples, requestExamples } from "../../routes/common/examples.ts";
import { renderOpenApi } from "../../tools/openapi.ts";
import { type Sent, walkExamples } from "../examples/walk.ts";

type Content = Record<
  string,
  { schema?: object; example?: unknown; examples?: Record<string, { value: unknown }> }
>;

interface Operation {
  operationId: string;
  requestBody?: { content: Content };
  responses: Record<string, { $ref?: string; content?: Content }>;
}

interface Document {
  paths: Record<string, Record<string, Operation>>;
}

const document: Document = parse(renderOpenApi());
const ajv = new Ajv2020({ strict: false, allErrors: true });
(addFormats as unknown as (instance: Ajv2020) => void)(ajv);
ajv.addSchema(document, "openapi");

const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ path, method, operation }))
);

/** Checks a value against the schema at a place of the document. */
function conforms(place: string[], value: unknown, what: string): void {
  const pointer = place.map((part) =>
    encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"))
  ).join("/");
  const validate = ajv.compile({ $ref: `openapi#/${pointer}` });
  const valid: boolean = validate(value);
  assert.ok(
    valid,
    `${what}: ${ajv.errorsText(validate.errors)}\n${JSON.stringify(value)?.slice(0, 500)}`,
  );
}

const answerPlace = (
  { path, method, status }: { path: string; method: string; status: string },
) => ["paths", path, method, "responses", status, "content", "application/json", "schema"];

/** Operations that have nothing to answer with on a server where all is well. */
const withoutAnswer = [
  "cancelStatement",
  "terminateSession",
  "retryDelivery",
  "getIncident",
  "rehearseRecommendation",
];

Deno.test("each body has examples of each media type, and they are what its schema says", () => {
  let examined = 0;
  for (const { path, method, operation } of operations) {
    for (
      const [type, { schema, examples }] of Object.entries(operation.requestBody?.content ?? {})
    ) {
      const what = `${operation.operationId} ${type}`;
      assert.ok(schema && examples, `${what} has no example`);
      for (const [name, { value }] of Object.entries(examples)) {
        examined++;
        const place = ["paths", path, method, "requestBody", "content", type, "schema"];
        conforms(place, value, `${what} ${name}`);
      }
    }
  }
  const written = Object.values(requestExamples).flatMap((examples) => Object.keys(examples));
  assert.equal(examined, written.length, "an example of no operation or media type");
});

Deno.test("each operation that answers JSON has an example of it, and it is what its schema says", () => {
  for (const { path, method, operation } of operations) {
    const { operationId, responses } = operation;
    const answering = Object.entries(responses).filter(([status, { content = {} }]) =>
      status.startsWith("2") && "application/json" in content
    );
    const shown = answering.filter(([, { content }]) =>
      content?.["application/json"]?.example !== undefined
    );
    assert.equal(
      shown.length > 0,
      answering.length > 0 && !withoutAnswer.includes(operationId),
      `${operationId} has no example of its answer: run deno task openapi:examples ${operationId}`,
    );
    for (const [status, { content }] of shown) {
      const example = content?.["application/json"]?.example;
      conforms(answerPlace({ path, method, status }), example, `${operationId} ${status}`);
    }
  }
  const known = new Set(operations.map(({ operation }) => operation.operationId));
  for (const recorded of Object.keys(answerExamples)) assert.ok(known.has(recorded), recorded);
});

function judge({ operationId, example, path, method, status, type, body }: Sent): void {
  const what = `${operationId} ${example ?? ""}`;
  assert.ok(status >= 200 && status < 300, `${what}: ${status} ${JSON.stringify(body)}`);
  const operation = document.paths[path]?.[method.toLowerCase()];
  assert.ok(operation?.responses[status], `${what}: ${status} is not declared`);
  if (type !== "application/json") return;
  const place = { path, method: method.toLowerCase(), status: String(status) };
  conforms(answerPlace(place), body, what);
}

Deno.test("a server takes every example of the document, and answers as the document says", async () => {
  const sent = await walkExamples(document);
  for (const one of sent) judge(one);
  const tried = new Set(sent.map(({ operationId, example }) => `${operationId} ${example}`));
  for (const [operationId, examples] of Object.entries(requestExamples)) {
    for (const name of Object.keys(examples)) {
      assert.ok(tried.has(`${operationId} ${name}`), `${operationId} ${name} was not sent`);
    }
  }
  const asked = new Set(sent.map(({ operationId }) => operationId));
  const left = operations.map(({ operation }) => operation.operationId)
    .filter((id) => !asked.has(id) && !withoutAnswer.includes(id));
  assert.deepEqual(left, [], "operations that are not asked: add each to tests/examples/walk.ts");
});
