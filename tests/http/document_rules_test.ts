import assert from "node:assert/strict";
import { parse } from "yaml";
import { faces } from "../../routes/common/problem.ts";
import { openPaths } from "../../routes/auth/scopes.ts";
import { renderOpenApi } from "../../tools/openapi.ts";

type Node = Record<string, unknown>;

interface Operation {
  operationId: string;
  tags: string[];
  security: Record<string, string[]>[];
  responses: Record<string, unknown>;
}

interface Document {
  servers: { url: string; description: string }[];
  tags: { name: string; description: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, { required: string[]; properties: Node }>;
    securitySchemes: Node;
    responses: Node;
  };
}

const document: Document = parse(renderOpenApi());

/** Every object of the document with its place. */
function* nodesOf(value: unknown, place = ""): Generator<[string, Node]> {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) yield [place, value as Node];
  for (const [key, inner] of Object.entries(value)) {
    // What examples hold is no schema.
    if (key !== "example" && key !== "examples") yield* nodesOf(inner, `${place}/${key}`);
  }
}

const nodes = [...nodesOf(document)];
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ path, method, operation }))
);

Deno.test("each pattern means the same with the flag for Unicode and without, and takes ordinary symbols", () => {
  let patterns = 0;
  for (const [place, { pattern }] of nodes) {
    if (typeof pattern !== "string") continue;
    patterns++;
    assert.doesNotMatch(pattern, /\\p\{|\/[a-z]*$/, place);
    for (const flag of ["", "u"]) new RegExp(pattern, flag);
  }
  assert.ok(patterns > 10);
  const { symbol } = document.components.schemas.NewInstrument?.properties as {
    symbol: { pattern: string };
  };
  for (const flag of ["", "u"]) {
    const pattern = new RegExp(symbol.pattern, flag);
    for (const text of ["SPY", "EUR/USD", "日本", "😀"]) assert.match(text, pattern);
    for (const text of ["a\nb", "\0", "\x85"]) assert.doesNotMatch(text, pattern);
  }
});

Deno.test("every array says what it holds, none as a tuple, and no composition is of one schema", () => {
  for (const [place, { type, items, prefixItems, allOf }] of nodes) {
    const isArray = type === "array" || Array.isArray(type) && type.includes("array");
    if (isArray) assert.ok(items && Object.keys(items).length > 0, place);
    assert.equal(prefixItems, undefined, place);
    if (Array.isArray(allOf)) assert.ok(allOf.length > 1, place);
  }
});

Deno.test("servers can be put before a path, tags are described, security is both schemes or none", () => {
  for (const { url, description } of document.servers) {
    assert.ok(!url.endsWith("/") && description, url);
  }
  const tags = new Map(document.tags.map(({ name, description }) => [name, description]));
  const used = new Set<string>();
  for (const { path, operation } of operations) {
    assert.ok(operation.tags.length === 1, operation.operationId);
    for (const tag of operation.tags) {
      used.add(tag);
      assert.ok(
        tags.get(tag),
        `${operation.operationId} has the tag ${tag}: describe it in routes/common/document.ts`,
      );
    }
    const schemes = operation.security.map((one) => Object.keys(one).join());
    assert.deepEqual(schemes, openPaths.has(path) ? [] : ["bearer", "session"], path);
  }
  assert.deepEqual([...used].sort(), [...tags.keys()].sort());
  assert.deepEqual(Object.keys(document.components.securitySchemes).sort(), ["bearer", "session"]);
});

Deno.test("a problem always has the request's id, and each status says which codes come with it", () => {
  const problem = document.components.schemas.Problem;
  for (const field of ["code", "detail", "status", "request_id"]) {
    assert.ok(problem?.required.includes(field), field);
  }
  const statusOf = new Map(Object.entries(faces).map(([code, [status]]) => [code, status]));
  let checked = 0;
  for (const [name, response] of Object.entries(document.components.responses)) {
    const codes = [...nodesOf(response)].flatMap(([, { code }]) =>
      (code as { enum?: string[] } | undefined)?.enum ?? []
    );
    assert.ok(codes.length > 0, name);
    for (const code of codes) {
      checked++;
      assert.equal(name, `Problem${statusOf.get(code)}_${codes.join("_")}`);
    }
  }
  assert.ok(checked > 20);
});

Deno.test("no path could be taken for another", () => {
  const shapes = operations.map(({ path }) => path.split("/"));
  const isPart = (part: string) => part.startsWith("{");
  for (const one of shapes) {
    for (const other of shapes) {
      if (one.join() === other.join() || one.length !== other.length) continue;
      const overlap = one.every((part, at) => {
        const there = other[at] ?? "";
        return part === there || isPart(part) || isPart(there);
      });
      if (!overlap) continue;
      const more = (a: string[], b: string[]) =>
        a.some((part, at) => isPart(part) && !isPart(b[at] ?? ""));
      assert.ok(!(more(one, other) && more(other, one)), `${one.join("/")} ${other.join("/")}`);
    }
  }
});
