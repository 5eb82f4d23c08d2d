import assert from "node:assert/strict";
import { createUpkeep } from "../../app/upkeep.ts";
import { scheduleUpkeep } from "../../commands/serve.ts";
import { createLogger, type LogFields } from "../../log.ts";

const logs: LogFields[] = [];
const log = createLogger({ level: "debug", write: (line) => logs.push(JSON.parse(line)) });

Deno.test("a run of the regular jobs that takes long does not keep the next one from its time", async () => {
  const jobs = new Map<string, () => Promise<void>>();
  const endless = Promise.withResolvers<void>();
  let runs = 0;
  const everyMinute = () => {
    runs++;
    return endless.promise;
  };
  const { signal } = new AbortController();
  const runtime = {
    cron(_: string, schedule: string, __: AbortSignal, job: () => Promise<void>) {
      jobs.set(schedule, job);
    },
  };
  const everyHour = () => Promise.reject(new Error("broken"));
  scheduleUpkeep({ runtime, log }, { everyMinute, everyHour }, signal);
  for (let minute = 0; minute < 2; minute++) await jobs.get("* * * * *")?.();
  assert.equal(runs, 2);
  await jobs.get("7 * * * *")?.();
  await Promise.resolve();
  assert.deepEqual(
    logs.map(({ event, cron, error }) => [event, cron, error]),
    [["cron_failed", "hour", "broken"]],
  );
  endless.resolve();
});

Deno.test("a database that is still at its regular jobs does none of them twice at once", async () => {
  const done: string[] = [];
  const slow = Promise.withResolvers<void>();
  const note = (job: string, result?: Promise<void>) => () => {
    done.push(job);
    return result ?? Promise.resolve();
  };
  const now = Date.now();
  const services = {
    audit: { expire: note("audit") },
    backups: { everyMinute: note("backups") },
    conversions: { wake: note("conversions") },
    monitor: {
      history: { upkeep: note("history", slow.promise) },
      snapshot: () => ({ checkedAt: now, now, unreachable: undefined, tables: [] }),
    },
    operations: { tidy: note("operations") },
    quarantine: { expire: note("quarantine") },
    rehearsals: { everyMinute: note("rehearsals") },
    requestKeys: { forget: note("request_keys") },
    requestLog: { writeSummary: note("summary") },
    rotation: { rotate: note("rotation") },
  };
  const upkeep = createUpkeep({
    services: services as never,
    foundation: {
      config: { HOLDFAST_IDEMPOTENCY_DAYS: 1 },
      pools: { maintenance: { run: note("idempotency_keys") } },
      access: { canWrite: () => true },
      log,
    } as never,
    isPrepared: () => true,
  });
  const [first, second] = [upkeep.everyMinute(), upkeep.everyMinute()];
  slow.resolve();
  await Promise.all([first, second]);
  const times = (job: string) => done.filter((one) => one === job).length;
  assert.deepEqual([times("summary"), times("history"), times("backups")], [2, 1, 1]);
  await upkeep.everyMinute();
  assert.deepEqual([times("summary"), times("history"), times("backups")], [3, 2, 2]);
});
