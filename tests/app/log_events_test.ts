import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { logCalls } from "../helpers/log_calls.ts";

interface Row {
  levels: string[];
  fields: string[];
}

const root = new URL("../../", import.meta.url);
const anyLevel = "?";

/** The rows of the tables of docs/logs.md, by event. */
function documented(): Map<string, Row> {
  const text = readFileSync(new URL("docs/logs.md", root), "utf8");
  const rows = [...text.matchAll(/^\| `(\w+)` \| ([^|]*) \| ([^|]*) \| [^|]+\. \| [^|]+\. \|$/gm)];
  const names = rows.map(([, event = ""]) => event);
  assert.equal(new Set(names).size, names.length, "no event stands twice");
  return new Map(rows.map(([, event = "", levels = "", fields = ""]) => [event, {
    levels: levels.split(", ").sort(),
    fields: [...fields.matchAll(/`(\w+)`/g)].map(([, field = ""]) => field),
  }]));
}

/** Returns the names that an event can have: `*` in it stands for what is only known when it is logged. */
function namesOf(event: string, known: Iterable<string>): string[] {
  const pattern = new RegExp(`^${event.replace("*", "\\w+")}$`);
  return [...known].filter((name) => pattern.test(name));
}

Deno.test("docs/logs.md lists each event that the code logs, with its levels and fields, and no other", () => {
  const rows = documented();
  const levels = new Map<string, Set<string>>();
  const wrong: string[] = [];
  for (const call of logCalls()) {
    const names = namesOf(call.event, rows.keys());
    if (names.length === 0) wrong.push(`${call.event} (${call.file}) is not listed`);
    for (const name of names) {
      levels.set(name, (levels.get(name) ?? new Set()).add(call.level));
      const unknown = call.fields.filter((field) =>
        /^\w+$/.test(field) && !rows.get(name)?.fields.includes(field)
      );
      if (unknown.length > 0) wrong.push(`${name} also has ${unknown.join(", ")} (${call.file})`);
    }
  }
  for (const [name, row] of rows) {
    const found = levels.get(name);
    if (!found) wrong.push(`${name} is listed, but not logged`);
    else if (!found.has(anyLevel) && [...found].sort().join() !== row.levels.join()) {
      wrong.push(`${name} is logged at ${[...found].join(", ")}`);
    }
  }
  assert.deepEqual(wrong, []);
});
