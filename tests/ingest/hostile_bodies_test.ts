import assert from "node:assert/strict";
import process from "node:process";
import { gzipSync } from "node:zlib";
import { startApp, type TestApp } from "../helpers/test_app.ts";

/** What a hostile client may send: 1 MB that becomes a gigabyte, lines without end, a million columns. */
interface Hostile {
  what: string;
  type: string;
  path?: string;
  method?: string;
  encoding?: string;
  body: () => Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>>;
  status: number[];
}

const MiB = 1024 * 1024;
const ndjson = "application/x-ndjson", json = "application/json", csv = "text/csv";
const header = "ts,symbol,price,size,exchange\n";
const encode = (text: string) => new TextEncoder().encode(text);
const emptyMembers = (count: number) => () =>
  new Uint8Array(Buffer.concat([gzipSync(encode(header)), ...Array(count).fill(gzipSync(""))]));

/** Sends `head`, then `unit` again and again until `bytes` have gone. */
function endless(
  head: string,
  unit: string,
  bytes: number,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const chunk = encode(unit.repeat(Math.ceil(64 * 1024 / unit.length)));
  let sent = 0;
  return new ReadableStream({
    pull(controller) {
      if (sent === 0 && head !== "") controller.enqueue(encode(head));
      controller.enqueue(chunk);
      sent += chunk.length;
      if (sent >= bytes) controller.close();
    },
  });
}

/** A gigabyte of `text` in a megabyte, in members of 64 MiB. */
const bomb = (head: string, text: string) => () => {
  const member = gzipSync(encode(text.repeat(64 * MiB / text.length)), { level: 1 });
  return new Uint8Array(Buffer.concat([gzipSync(encode(head)), ...Array(16).fill(member)]));
};

const hostile: Hostile[] = [
  {
    what: "a gigabyte of blank lines",
    type: csv,
    encoding: "gzip",
    body: bomb(header, "\n"),
    status: [400],
  },
  {
    what: "a gigabyte of blank NDJSON",
    type: ndjson,
    encoding: "gzip",
    body: bomb("", " \n"),
    status: [400],
  },
  {
    what: "a gigabyte of blanks in an array",
    type: json,
    encoding: "gzip",
    body: bomb("[", " "),
    status: [400, 413],
  },
  {
    what: "a gigabyte of zeros in an array",
    type: json,
    encoding: "gzip",
    body: bomb("[", "0,"),
    status: [400, 413],
  },
  {
    what: "100,000 empty members",
    type: csv,
    encoding: "gzip",
    body: emptyMembers(100_000),
    status: [400],
  },
  {
    what: "a bomb within a line",
    type: ndjson,
    encoding: "gzip",
    body: bomb('{"ts":"', "9"),
    status: [400],
  },
  {
    what: "a line of 100 MB",
    type: ndjson,
    body: () => endless("", "x", 100 * MiB),
    status: [400],
  },
  {
    what: "a CSV line of 100 MB",
    type: csv,
    body: () => endless(header, "1,", 100 * MiB),
    status: [400],
  },
  {
    what: "a million columns",
    type: csv,
    body: () => encode("a,".repeat(1_000_000) + "\n1\n"),
    status: [400],
  },
  {
    what: "30,000 columns within the line limit",
    type: csv,
    body: () => encode("a,".repeat(30_000) + "\n1\n"),
    status: [400],
  },
  {
    what: "16 MB of lines that are no JSON",
    type: ndjson,
    body: () => endless("", "x\n", 16 * MiB),
    status: [400],
  },
  {
    what: "16 MB of lines that are nearly JSON",
    type: ndjson,
    body: () =>
      endless("", '{"ts":"2026-01-31T09:30:00Z","symbol":"A","price":NaN,"size":1}\n', 16 * MiB),
    status: [400],
  },
  {
    what: "16 MB of CSV lines of one field",
    type: csv,
    body: () => endless(header, "x\n", 16 * MiB),
    status: [400],
  },
  {
    what: "an array nested without end",
    type: json,
    body: () => endless("", "[", 30 * MiB),
    status: [400],
  },
  {
    what: "objects nested without end",
    type: json,
    body: () => endless("[", '{"a":', 30 * MiB),
    status: [400],
  },
  {
    what: "a string without end",
    type: json,
    body: () => endless('["', "\\u0041", 30 * MiB),
    status: [400],
  },
  {
    what: "a gigabyte of an array",
    type: json,
    body: () => endless("[1", ",1", 1024 * MiB),
    status: [400, 413],
  },
  {
    what: "a million keys",
    type: json,
    path: "/api/instruments",
    body: () => encode(`{${Array.from({ length: 80_000 }, (_, at) => `"k${at}":1`).join()}}`),
    status: [400],
  },
  {
    what: "30,000 rules",
    type: json,
    path: "/api/alerts/rules",
    method: "PUT",
    body: () => encode(`{"rules":[${'{"name":"x","warning":1},'.repeat(38_000).slice(0, -1)}]}`),
    status: [400, 404],
  },
  {
    what: "a megabyte of brackets",
    type: json,
    path: "/api/alerts/silences",
    body: () => encode("[".repeat(MiB - 10)),
    status: [400],
  },
  {
    what: "half a million ids",
    type: json,
    path: "/api/quarantine/retry",
    body: () => encode(`{"ids":[${'"1",'.repeat(250_000).slice(0, -1)}]}`),
    status: [400],
  },
];

let app: TestApp;
Deno.test.beforeAll(async () => {
  app = await startApp();
});
Deno.test.afterAll(() => app.stop());

/** Milliseconds of processor time that this process has had. */
function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/**
 * The longest time for which the event loop did not run while `work` went on; milliseconds. Counted is only what this process
 * computed in that time: when the machine ran others instead, that is not a body's doing.
 */
async function longestHold(work: () => Promise<void>): Promise<number> {
  let last = { wall: performance.now(), processor: processorMs() };
  let longest = 0;
  const timer = setInterval(() => {
    const now = { wall: performance.now(), processor: processorMs() };
    longest = Math.max(
      longest,
      Math.min(now.wall - last.wall, now.processor - last.processor),
    );
    last = now;
  }, 1);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return longest;
}

for (
  const { what, type, path = "/api/ticks?backfill=true", method = "POST", encoding, body, status }
    of hostile
) {
  Deno.test(`${what}: refused, and the event loop goes on meanwhile`, async () => {
    const sent = body();
    const held = await longestHold(async () => {
      const answer = await app.request(path, {
        method,
        headers: { "content-type": type, ...(encoding ? { "content-encoding": encoding } : {}) },
        body: sent,
        signal: AbortSignal.timeout(20_000),
      }).catch((error) => {
        // Refused before all of it was sent: this client then reports the closed connection, not the answer.
        if (sent instanceof ReadableStream && error instanceof TypeError) return undefined;
        throw error;
      });
      if (!answer) return;
      const problem = await answer.json();
      assert.ok(status.includes(answer.status), `${answer.status} ${problem.detail}`);
    });
    // Far below what such bodies once took.
    assert.ok(held < 1_000, `the event loop was held for ${Math.round(held)} ms`);
  });
}
