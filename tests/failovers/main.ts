/** Kills the leader of three instances again and again, and counts what was lost, doubled or late. */
import { parseArgs } from "node:util";
import postgres from "postgres";
import { eventually } from "../helpers/eventually.ts";
import { startSharedServer } from "../helpers/pair.ts";
import { freePort, type ServeProcess, startProcess } from "../helpers/process.ts";
import { startReceiver } from "../helpers/receiver.ts";

const { values } = parseArgs({ options: { times: { type: "string", default: "20" } } });
const times = Number(values.times);
const rule = "idle_in_transaction";
const table = "market.ticks";
const deadlineMs = 60_000;

interface Instance {
  name: string;
  process: ServeProcess;
}

interface Policy {
  premake: number;
}

const server = await startSharedServer();
const receiver = startReceiver();
const sql = postgres({
  path: `${server.directory}/.s.PGSQL.5432`,
  username: "postgres",
  password: server.password,
  database: "holdfast",
  max: 3,
  onnotice: () => {},
});
const folders: string[] = [];
const started: ServeProcess[] = [];

const wait = (ms: number) => new Promise((done) => setTimeout(done, ms));

async function startInstance(name: string): Promise<Instance> {
  const folder = await Deno.makeTempDir({ prefix: "holdfast-failover-" });
  folders.push(folder);
  const process = startProcess({
    env: {
      DATABASE_URL: server.url,
      HOLDFAST_DATA_DIR: folder,
      HOLDFAST_INSTANCE: name,
      HOLDFAST_FAST_TIER_SECONDS: "1",
      HOLDFAST_ALERT_IDLE_IN_TRANSACTION_WARNING: "1",
      HOLDFAST_ALERT_IDLE_IN_TRANSACTION_CLEAR: "0.5",
      HOLDFAST_ALERT_IDLE_IN_TRANSACTION_COOLDOWN_SECONDS: "0",
      HOLDFAST_ALERT_IDLE_IN_TRANSACTION_KEEP_FIRING_SECONDS: "0",
      HOLDFAST_ALERTS_FLAP_FIRINGS: "100",
      HOLDFAST_CHANNELS: JSON.stringify([
        {
          name: "hook",
          type: "webhook",
          url: receiver.url,
          secret: "secret-of-hook",
          rules: [rule],
        },
      ]),
      LOG_LEVEL: "warn",
      PORT: String(freePort()),
    },
  });
  started.push(process);
  await process.ready(deadlineMs);
  return { name, process };
}

async function leaderOf(url: string): Promise<string | undefined> {
  const answer = await fetch(`${url}/api/instances`);
  const { instances } = await answer.json() as { instances: { id: string; leads: string[] }[] };
  return instances.find(({ leads }) => leads.includes("alerts"))?.id;
}

/** Plans and applies what is due. Of instances that do it at once, all but one are refused. */
async function rotate(url: string): Promise<void> {
  const post = (path: string, body: unknown) =>
    fetch(`${url}/api/partitions/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  const { digest } = await (await post("plan", {})).json() as { digest: string };
  await (await post("apply", { digest })).body?.cancel();
}

async function premakeOneMore(url: string): Promise<void> {
  const path = `${url}/api/partitions/policies/${table}`;
  const { premake, ...policy } = await (await fetch(path)).json() as Policy;
  const answer = await fetch(path, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...policy, premake: premake + 1 }),
  });
  if (!answer.ok) throw new Error(`PUT ${path}: ${answer.status} ${await answer.text()}`);
  await answer.body?.cancel();
}

const notices = (kind: string) => receiver.notices(rule).filter((notice) => notice.kind === kind);

/** Kills the leader while an alert begins and partitions are made. Returns how long nobody led, and the alert's delay; ms. */
async function killLeader(all: Instance[]): Promise<{ takeoverMs: number; noticeMs: number }> {
  const [first] = all;
  const name = await eventually(
    () => first && leaderOf(first.process.url),
    "one leads",
    deadlineMs,
  );
  const leader = all.find((one) => one.name === name);
  const others = all.filter((one) => one !== leader);
  const url = others[0]?.process.url;
  if (!leader || !url) throw new Error(`The leader ${name} is none of ours`);
  const fired = notices("fired").length;
  const resolved = notices("resolved").length;
  await premakeOneMore(url);
  const idle = await sql.reserve();
  await idle`begin`;
  await idle`select 1`;
  const began = performance.now();
  const rotations = all.map(({ process }) => rotate(process.url).catch(() => {}));
  await wait(Math.random() * 3_000);
  leader.process.kill("SIGKILL");
  const killed = performance.now();
  await leader.process.exited;
  await eventually(
    async () => {
      const now = await leaderOf(url);
      return now !== undefined && now !== leader.name;
    },
    "another leads",
    deadlineMs,
  );
  const takeoverMs = performance.now() - killed;
  await eventually(() => notices("fired").length > fired, "the alert is notified", deadlineMs);
  const noticeMs = performance.now() - began - 1_000;
  await idle`rollback`;
  idle.release();
  await eventually(() => notices("resolved").length > resolved, "so is its end", deadlineMs);
  await Promise.all(rotations);
  await eventually(() => rotate(url).then(() => true), "what the killed one left is made");
  all[all.indexOf(leader)] = await startInstance(leader.name);
  return { takeoverMs, noticeMs };
}

/** Counts what stands twice or not at all in the records of the database. */
async function countFaults() {
  const [rows] = await sql<
    { made_twice: number; holes: number; samples: number; rollups: number }[]
  >`
    select
      (select count(*)::int4 from (
        select partition_name from holdfast.maintenance_log
        where action = 'create' and error is null
        group by partition_name having count(*) > 1) as twice) as made_twice,
      (select count(*)::int4 from (
        select pg_get_expr(c.relpartbound, c.oid) as bound,
          lead(pg_get_expr(c.relpartbound, c.oid)) over (order by c.relname) as next
        from pg_inherits as i join pg_class as c on c.oid = i.inhrelid
        where i.inhparent = 'market.ticks'::regclass) as leaves
        where split_part(bound, '''', 4) <> split_part(next, '''', 2)) as holes,
      (select count(*)::int4 from (
        select 1 from holdfast.samples group by series, ts having count(*) > 1) as s) as samples,
      (select count(*)::int4 from (
        select 1 from holdfast.samples_1m group by series, ts having count(*) > 1) as r) as rollups`;
  return rows;
}

/** Counts notices of one kind that came again: in a delivery under the same id, and in another one. */
function countRepeats(kind: string) {
  const seen = new Map<string, string>();
  const counts = { sameDelivery: 0, otherDelivery: 0 };
  for (const { body, status } of receiver.received) {
    if (status >= 300) continue;
    const delivery = JSON.parse(body) as {
      id: string;
      notices: { kind: string; alert: { id: string } }[];
    };
    for (const { alert } of delivery.notices.filter((notice) => notice.kind === kind)) {
      const first = seen.get(alert.id);
      if (first === undefined) seen.set(alert.id, delivery.id);
      else counts[first === delivery.id ? "sameDelivery" : "otherDelivery"]++;
    }
  }
  return counts;
}

const instances: Instance[] = [];
const takeovers: number[] = [];
const delays: number[] = [];
try {
  for (const name of ["one", "two", "three"]) instances.push(await startInstance(name));
  for (let time = 1; time <= times; time++) {
    const { takeoverMs, noticeMs } = await killLeader(instances);
    takeovers.push(takeoverMs);
    delays.push(noticeMs);
    console.error(
      `kill ${time}: another leads after ${Math.round(takeoverMs)} ms, the alert was notified ${
        Math.round(noticeMs)
      } ms after it was due`,
    );
  }
  const faults = await countFaults();
  const sorted = (all: number[]) => all.toSorted((a, b) => a - b).map((ms) => Math.round(ms));
  const middle = (all: number[]) => sorted(all)[Math.floor(all.length / 2)];
  console.log(`| figure | of ${times} kills |\n| --- | --- |`);
  console.log(
    `| takeover, median and worst | ${middle(takeovers)} ms, ${sorted(takeovers).at(-1)} ms |`,
  );
  console.log(
    `| notification after it was due, median and worst | ${middle(delays)} ms, ${
      sorted(delays).at(-1)
    } ms |`,
  );
  console.log(
    `| alerts notified | ${new Set(notices("fired").map(({ alert }) => alert.id)).size} |`,
  );
  const repeats = [countRepeats("fired"), countRepeats("resolved")];
  const again = repeats.map(({ sameDelivery }) => sameDelivery).join(", ");
  const twice = repeats.map(({ otherDelivery }) => otherDelivery);
  console.log(`| delivered again under the same id: begun, ended | ${again} |`);
  console.log(`| notified twice: begun, ended | ${twice.join(", ")} |`);
  console.log(`| partitions created twice, holes | ${faults?.made_twice}, ${faults?.holes} |`);
  console.log(`| samples and rollups stored twice | ${faults?.samples}, ${faults?.rollups} |`);
  const isClean = faults && Object.values(faults).every((count) => count === 0) &&
    twice.every((count) => count === 0);
  Deno.exitCode = isClean ? 0 : 1;
} catch (error) {
  console.error(error);
  Deno.exitCode = 1;
} finally {
  for (const process of started) {
    try {
      process.kill("SIGTERM");
    } catch {
      // it has ended
    }
    await process.exited;
  }
  await sql.end({ timeout: 2 });
  await receiver.stop();
  await server.stop();
  for (const folder of folders) await Deno.remove(folder, { recursive: true });
}
