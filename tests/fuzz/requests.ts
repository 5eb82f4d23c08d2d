import { nasty, nastyText, type Random, type Schema, valueOf } from "./values.ts";

export interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  schema: Schema;
}

export interface Operation {
  method: string;
  path: string;
  parameters: Parameter[];
  body: { types: Record<string, { schema?: Schema }>; required: boolean } | undefined;
  responses: Record<string, unknown>;
}

export interface Document {
  paths: Record<string, Record<string, Record<string, unknown>>>;
  components: Record<string, Record<string, unknown>>;
}

const methods = ["get", "post", "put", "patch", "delete"];

export function operationsIn({ paths }: Document): Operation[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const operation = item[method];
      if (!operation) return [];
      const body = operation.requestBody as {
        content: Record<string, { schema?: Schema }>;
        required?: boolean;
      } | undefined;
      return [{
        method: method.toUpperCase(),
        path,
        parameters: (operation.parameters ?? []) as Parameter[],
        body: body && { types: body.content, required: body.required ?? false },
        responses: operation.responses as Record<string, unknown>,
      }];
    })
  );
}

export interface FuzzedRequest {
  path: string;
  init: RequestInit;
}

/** Identifiers that exist, so that not every request ends at "not found". */
const places = ["1", "market.ticks", "connections", "20010101T000000Z-abcdef", "log"];

function encoded(value: string, random: Random): string {
  if (!value.isWellFormed()) return "%ed%a0%80";
  if (random.chance(0.02)) return "%ff";
  // A URL takes these for steps through its path, encoded or not: the request would be another one.
  return value === "." || value === ".."
    ? `${encodeURIComponent(value)}x`
    : encodeURIComponent(value);
}

/** Makes a request of an operation; about half of them are as the document wants them. */
export function requestOf(
  operation: Operation,
  resolve: (ref: string) => Schema,
  random: Random,
): FuzzedRequest {
  const wrong = random.chance(0.5) ? 0 : 0.15;
  const make = (schema: Schema) => valueOf(schema, resolve, random, wrong);
  const asText = (value: unknown) =>
    typeof value === "string" ? value : JSON.stringify(value) ?? "";
  let path = operation.path.replace(/\{(\w+)\}/g, (_, name) => {
    const parameter = operation.parameters.find((one) => one.in === "path" && one.name === name);
    const value = random.chance(0.3) ? random.pick(places) : asText(make(parameter?.schema ?? {}));
    return encoded(value, random).replaceAll("/", "%2F") || "%20";
  });
  const query = operation.parameters
    .filter((one) => one.in === "query" && (one.required || random.chance(0.4)))
    .map((one) => `${one.name}=${encoded(asText(make(one.schema)), random)}`);
  if (random.chance(wrong)) query.push(`${nastyTextOf(random)}=${nastyTextOf(random)}`);
  if (random.chance(wrong) && query[0]) query.push(query[0]);
  if (query.length > 0) path += `?${query.join("&")}`;

  const headers: Record<string, string> = {};
  for (const one of operation.parameters) {
    if (one.in !== "header" || !random.chance(0.3)) continue;
    const value = asText(make(one.schema)).replace(/[^\x21-\x7e]/g, "");
    if (value !== "") headers[one.name] = value;
  }
  let body: Uint8Array<ArrayBuffer> | undefined;
  const sends = operation.body
    ? operation.body.required || random.chance(0.7)
    : random.chance(wrong);
  if (sends && operation.method !== "GET") {
    const types = Object.entries(operation.body?.types ?? { "application/json": {} });
    const [type, { schema = {} }] = random.pick(types);
    const value = make(schema);
    let text = typeof value === "string" && type !== "application/json"
      ? value
      : JSON.stringify(value) ?? "";
    if (random.chance(wrong)) text = text.slice(0, random.whole(text.length + 1));
    body = new TextEncoder().encode(text);
    if (!random.chance(wrong)) headers["content-type"] = type;
    else if (random.chance(0.5)) {
      headers["content-type"] = random.pick(["text/plain", "x", "a/b; c"]);
    }
  }
  return { path, init: { method: operation.method, headers, ...(body ? { body } : {}) } };
}

const nastyTextOf = (random: Random) =>
  encoded(nastyText(random) + String(nasty(random)).slice(0, 5), random);
