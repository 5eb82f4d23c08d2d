import { parse } from "yaml";
import denoConfig from "../../deno.json" with { type: "json" };
import { renderOpenApi } from "../../tools/openapi.ts";
import { type Sent, walkExamples } from "./walk.ts";

/** How many elements of a list an example shows. */
const shown = 2;

/** An answer short enough to read: the first elements of each list. */
function shortened(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, shown).map(shortened);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, shortened(one)]));
}

/** Names and secrets of the machine on which this was recorded are nobody's business. */
function withoutPlaces(text: string): string {
  return text
    .replaceAll(/\/tmp\/holdfast-archive-[^/"]+/g, "/var/lib/holdfast/archive")
    .replaceAll(/\/tmp\/holdfast-test-[^/"]+/g, "/var/lib/holdfast")
    .replaceAll(Deno.hostname(), "db-1")
    .replaceAll(/("secret": ")[^"]+/g, "$1hft_it-is-shown-once")
    .replaceAll("0.0.0-test", denoConfig.version);
}

/**
 * `deno task openapi:examples [operationId…]`: sends the examples of the document, and keeps what succeeded as examples of
 * answers; only those of the given operations, or all.
 */
const path = new URL("../../routes/common/example_answers.json", import.meta.url);
const sent: Sent[] = await walkExamples(
  parse(renderOpenApi()),
  Deno.args.length > 0 ? Deno.args : undefined,
);
const answers: Record<string, Record<string, unknown>> = {};
for (const { operationId, status, type, body } of sent) {
  if (status < 200 || status > 299 || type !== "application/json") continue;
  (answers[operationId] ??= {})[status] = shortened(body);
}
for (const { operationId, example, status, body } of sent) {
  if (status > 299) console.error(`${operationId} ${example}: ${status} ${JSON.stringify(body)}`);
}
// A part of the walk leaves the others where they stand; the whole puts all in its own order.
const kept: typeof answers = Deno.args.length > 0 ? JSON.parse(await Deno.readTextFile(path)) : {};
for (const operation of Deno.args.length > 0 ? Deno.args : Object.keys(answers)) {
  const answer = answers[operation];
  if (answer) kept[operation] = answer;
  else console.error(`${operation}: no example was answered; see tests/examples/walk.ts`);
}
await Deno.writeTextFile(path, withoutPlaces(JSON.stringify(kept, null, 1)) + "\n");
