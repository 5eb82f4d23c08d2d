import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { type Document, type Operation, operationsIn, requestOf } from "./requests.ts";
import { type Schema, seeded } from "./values.ts";

export interface Finding {
  request: string;
  problem: string;
}

export interface FuzzReport {
  requests: number;
  statuses: Record<string, number>;
  findings: Finding[];
}

const mustHave = [
  "x-request-id",
  "content-security-policy",
  "x-content-type-options",
  "x-frame-options",
  "referrer-policy",
  "cache-control",
];
const answerMs = 15_000;
const findingsMax = 50;

/** Makes how to judge an answer by what the document publishes for it. */
function createJudge(document: Document) {
  const ajv = new Ajv2020({ strict: false, allErrors: false, validateFormats: true });
  (addFormats as unknown as (instance: Ajv2020) => void)(ajv);
  ajv.addSchema(document, "openapi");
  const compiled = new Map<string, ReturnType<typeof ajv.compile>>();

  function schemaAt(place: string[]) {
    const pointer = place.map((part) =>
      encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"))
    ).join("/");
    const found = compiled.get(pointer) ?? ajv.compile({ $ref: `openapi#/${pointer}` });
    compiled.set(pointer, found);
    return found;
  }

  return function judge(operation: Operation, status: number, type: string, text: string) {
    const published = operation.responses[status] as
      | { $ref?: string; content?: Record<string, unknown> }
      | undefined;
    if (!published) return `status ${status} is not declared: ${text.slice(0, 200)}`;
    if (status >= 500) return `status ${status}: ${text.slice(0, 200)}`;
    const name = published.$ref?.split("/").at(-1);
    const place = name === undefined
      ? ["paths", operation.path, operation.method.toLowerCase(), "responses", String(status)]
      : ["components", "responses", name];
    const content = (name === undefined ? published : document.components.responses?.[name]) as
      | { content?: Record<string, unknown> }
      | undefined;
    if (text === "") return content?.content ? `status ${status} has no body` : undefined;
    if (!content?.content?.[type]) return `${status} ${type} is not declared`;
    if (!type.includes("json")) return undefined;
    const validate = schemaAt([...place, "content", type, "schema"]);
    return validate(JSON.parse(text)) ? undefined : `${status}: ${ajv.errorsText(validate.errors)}`;
  };
}

/**
 * Sends `requests` made from the document to `url`, several at a time, and returns what was not as it should be. It calls
 * `progress` at each thousandth request, and at the end.
 */
export async function fuzz(
  { url, document, requests, seed, parallel = 8, progress }: {
    url: string;
    document: Document;
    requests: number;
    seed: number;
    parallel?: number;
    progress?: (done: number) => void;
  },
): Promise<FuzzReport> {
  const random = seeded(seed);
  const operations = operationsIn(document);
  const judge = createJudge(document);
  const report: FuzzReport = { requests: 0, statuses: {}, findings: [] };
  const resolve = (ref: string) =>
    (document.components.schemas?.[ref.split("/").at(-1) ?? ""] ?? {}) as Schema;

  async function one(): Promise<void> {
    const operation = operations[report.requests++ % operations.length] as Operation;
    const { path, init } = requestOf(operation, resolve, random);
    const shown = `${operation.method} ${path} ${
      init.body ? new TextDecoder().decode(init.body as Uint8Array).slice(0, 300) : ""
    }`;
    const found = (problem: string) => {
      if (report.findings.length < findingsMax) report.findings.push({ request: shown, problem });
    };
    try {
      const answer = await fetch(url + path, {
        ...init,
        redirect: "manual",
        signal: AbortSignal.timeout(answerMs),
      });
      const text = await answer.text();
      const type = answer.headers.get("content-type")?.split(";")[0] ?? "";
      report.statuses[answer.status] = (report.statuses[answer.status] ?? 0) + 1;
      const problem = judge(operation, answer.status, type, text);
      if (problem) found(problem);
      const missing = mustHave.filter((name) => !answer.headers.has(name));
      if (missing.length > 0) found(`${answer.status} lacks ${missing.join(", ")}`);
      // A run of benchmarks would keep the server busy for minutes.
      if (answer.status === 202 && operation.path === "/api/benchmarks/runs") {
        await fetch(`${url}/api/benchmarks/runs/${JSON.parse(text).id}`, { method: "DELETE" })
          .then((aborted) => aborted.body?.cancel());
      }
    } catch (error) {
      found(`no answer: ${error}`);
    }
  }

  async function worker(): Promise<void> {
    while (report.requests < requests) {
      await one();
      const { requests: done } = report;
      if (done % 1_000 === 0 && done < requests) progress?.(done);
    }
  }
  await Promise.all(Array.from({ length: parallel }, worker));
  progress?.(report.requests);
  return report;
}
