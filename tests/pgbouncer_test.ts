import assert from "node:assert/strict";
import { unprivilegedUser } from "../db/embedded/command.ts";
import { createDebianServer, type DebianServer } from "./helpers/debian.ts";
import { eventually } from "./helpers/eventually.ts";
import { type House, startHouse } from "./helpers/house.ts";
import { freePort } from "./helpers/process.ts";
import { debianPostgres, pgbouncer, testWith } from "./helpers/skip.ts";

const needs = {
  what: `${pgbouncer.what} and ${debianPostgres.what}`,
  present: pgbouncer.present && debianPostgres.present,
};

/** PgBouncer in transaction mode before a server. */
async function startBouncer(server: DebianServer, settings = "") {
  const folder = await Deno.makeTempDir({ prefix: "holdfast-bouncer-" });
  const port = freePort();
  await Deno.writeTextFile(`${folder}/users`, '"postgres" ""\n');
  await Deno.writeTextFile(
    `${folder}/ini`,
    `[databases]\n* = host=127.0.0.1 port=${server.port}\n[pgbouncer]\nlisten_addr=127.0.0.1\nlisten_port=${port}\n` +
      `auth_type=trust\nauth_file=${folder}/users\npool_mode=transaction\ndefault_pool_size=10\nunix_socket_dir=\n${settings}`,
  );
  const as = unprivilegedUser();
  await Deno.chmod(folder, 0o755);
  const child = new Deno.Command("/usr/sbin/pgbouncer", {
    args: ["-q", `${folder}/ini`],
    ...(as ?? {}),
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    async stop() {
      child.kill("SIGKILL");
      await child.status;
      await Deno.remove(folder, { recursive: true });
    },
  };
}

async function assertServes(house: House): Promise<void> {
  await eventually(
    async () => (await house.json<{ status: string }>("/api/health/ready")).status === "ready",
    "ready",
  );
  const body = Array.from({ length: 3_000 }, (_, n) => ({
    ts: new Date(Date.now() - n).toISOString(),
    symbol: `S${n % 3}`,
    price: n,
    size: 1,
  }));
  const answers = await Promise.all([0, 1, 2, 3].map(async (n) => {
    const answer = await house.post("/api/ticks?create=true", body, {
      "idempotency-key": `key-${n % 2}`,
    });
    return await answer.json();
  }));
  assert.deepEqual(answers.map(({ accepted }) => accepted), [3_000, 3_000, 3_000, 3_000]);
  assert.equal(answers.filter(({ replayed }) => replayed).length, 2);
  const reads = await Promise.all(
    Array.from(
      { length: 40 },
      () => house.json<{ ticks: unknown[] }>("/api/ticks?symbol=S1&limit=10"),
    ),
  );
  for (const { ticks } of reads) assert.equal(ticks.length, 10);
  const health = await house.json<{ status: string }>("/api/health");
  assert.equal(health.status, "healthy", JSON.stringify(health));
}

testWith(
  needs,
  "behind PgBouncer in transaction mode Holdfast notices, and serves as ever",
  async () => {
    const server = await createDebianServer();
    await server.start();
    try {
      // One refuses our settings at the connection, the other swallows them and must be named.
      const refusing = await startBouncer(server);
      const house = await startHouse({ DATABASE_URL: refusing.url });
      await assertServes(house);
      await house.stop();
      await refusing.stop();

      const swallowing = await startBouncer(
        server,
        "ignore_startup_parameters=statement_timeout,lock_timeout,idle_in_transaction_session_timeout\n",
      );
      const told = await startHouse({
        DATABASE_URL: swallowing.url,
        HOLDFAST_POOLER: "transaction",
      });
      await eventually(
        async () => (await told.json<{ status: string }>("/api/health/ready")).status === "ready",
        "ready",
      );
      const read = await told.json<{ ticks: unknown[] }>("/api/ticks?symbol=S1&limit=10");
      assert.equal(read.ticks.length, 10);
      await told.stop();
      await swallowing.stop();
    } finally {
      await server.remove();
    }
  },
);
