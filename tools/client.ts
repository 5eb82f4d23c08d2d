import openapiTS, { astToString } from "openapi-typescript";
import { parse } from "yaml";
import { renderOpenApi } from "./openapi.ts";

interface Published {
  operationId: string;
  parameters?: { name: string; in: string }[];
  responses: Record<string, { content?: Record<string, unknown> }>;
}

interface Document {
  paths: Record<string, Record<string, Published>>;
  components: { responses: Record<string, unknown> };
}

const header = "// Generated from openapi.yaml by `deno task openapi`; do not edit.\n";

/** Collects every code that a problem of the document may have. */
function codesIn(value: unknown, found = new Set<string>()): Set<string> {
  if (typeof value !== "object" || value === null) return found;
  const { code } = value as { code?: { enum?: string[] } };
  for (const one of code?.enum ?? []) found.add(one);
  for (const inner of Object.values(value)) codesIn(inner, found);
  return found;
}

/** Takes examples of bodies out: types do without, and a new recording of them is no new client. */
function withoutExamples(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutExamples);
  if (typeof value !== "object" || value === null) return value;
  const isMedia = "schema" in value && !("in" in value);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !(isMedia && (key === "example" || key === "examples")))
      .map(([key, inner]) => [key, withoutExamples(inner)]),
  );
}

/** What a client must know of an operation at run time. */
function factsOf(
  method: string,
  path: string,
  { parameters = [], responses }: Published,
): string {
  const keyed = parameters.some((one) =>
    one.in === "header" && one.name.toLowerCase() === "idempotency-key"
  );
  const verdicts = Object.entries(responses)
    .filter(([status, { content = {} }]) => Number(status) >= 400 && "application/json" in content)
    .map(([status]) => status);
  const facts = [
    `method: "${method.toUpperCase()}"`,
    `path: "${path}"`,
    ...(keyed ? ["keyed: true"] : []),
    ...(verdicts.length > 0 ? [`verdicts: [${verdicts.join(", ")}]`] : []),
  ];
  return `{ ${facts.join(", ")} }`;
}

/** The operations of the document as a table, and the codes of its problems as a type. */
function renderOperations(document: Document): string {
  const rows = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) =>
      `  ${operation.operationId}: ${factsOf(method, path, operation)},\n`
    )
  );
  const codes = [...codesIn(document.components.responses)].sort();
  return `${header}
/** What the client knows of an operation: \`keyed\` where an Idempotency-Key makes it safe to send again, \`verdicts\` where a
 * status from 400 on is an answer and no problem. */
export interface OperationFacts {
  readonly method: string;
  readonly path: string;
  readonly keyed?: boolean;
  readonly verdicts?: readonly number[];
}

export const operations = {
${rows.join("")}} satisfies Record<string, OperationFacts>;

/** The codes of problems. */
export type ProblemCode =
${codes.map((code) => `  | "${code}"`).join("\n")};
`;
}

/** The files of client/ that follow from the OpenAPI document, by name. */
export async function renderClient(): Promise<Record<string, string>> {
  const document = parse(renderOpenApi());
  const types = await openapiTS(JSON.stringify(withoutExamples(document)));
  return {
    "schema.ts": header + astToString(types),
    "operations.ts": renderOperations(document),
  };
}

if (import.meta.main) {
  for (const [name, text] of Object.entries(await renderClient())) {
    await Deno.writeTextFile(
      new URL(`../client/${name}`, import.meta.url),
      text,
    );
  }
}
