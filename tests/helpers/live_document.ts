import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { parse } from "yaml";

type Json = Record<string, unknown>;

const read = (name: string): Json =>
  parse(Deno.readTextFileSync(new URL(`../../${name}`, import.meta.url)));

/** Where a JSON pointer such as `#/channels/live` leads. */
function at(document: Json, pointer: string): Json {
  return pointer.slice(2).split("/").reduce<Json>((value, name) => {
    const next = value[name];
    if (typeof next !== "object" || next === null) throw new Error(`${pointer} leads nowhere`);
    return next as Json;
  }, document);
}

/**
 * Checks frames of the live channel against asyncapi.yaml: what the server sends, and what a client may send. The schemas of
 * openapi.yaml that it refers to are read with it.
 */
export function createFrameCheck() {
  const document = read("asyncapi.yaml");
  const ajv = new Ajv2020({ strict: false, allErrors: true, discriminator: false });
  addFormats.default(ajv);
  ajv.addSchema({ $id: "openapi.yaml", ...read("openapi.yaml") });
  ajv.addSchema({ $id: "asyncapi.yaml", ...document });
  const operations = document.operations as Record<
    string,
    { action: string; messages: { $ref: string }[] }
  >;
  const messages = (action: string) =>
    Object.values(operations).filter((one) => one.action === action)
      .flatMap((one) => one.messages.map(({ $ref }) => $ref));
  const payloadOf = (pointer: string) => {
    const { $ref } = at(document, pointer) as { $ref: string };
    return `asyncapi.yaml${$ref}/payload`;
  };
  const sent = new Map(
    messages("send").map((pointer) => {
      const type = pointer.split("/").at(-1) ?? "";
      return [type, ajv.compile({ $ref: payloadOf(pointer) })];
    }),
  );
  const [request] = messages("receive").map((one) => ajv.compile({ $ref: payloadOf(one) }));

  return {
    types: [...sent.keys()],
    /** What is wrong with a frame of the server; empty where nothing is. */
    ofServer(frame: { type: string }): string[] {
      const check = sent.get(frame.type);
      if (!check) return [`${frame.type} is no message of asyncapi.yaml`];
      check(frame);
      return (check.errors ?? []).map(({ instancePath, message }) =>
        `${frame.type}${instancePath} ${message}`
      );
    },
    ofClient(frame: unknown): string[] {
      if (!request) throw new Error("asyncapi.yaml has no message of clients");
      request(frame);
      return (request.errors ?? []).map(({ instancePath, message }) =>
        `${instancePath} ${message}`
      );
    },
  };
}
