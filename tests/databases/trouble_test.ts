import assert from "node:assert/strict";
import { createFleet } from "../../app/fleet/fleet.ts";
import { createHoldfasts } from "../../app/fleet/holdfasts.ts";
import type { Holdfast } from "../../app/holdfast.ts";
import { type Config, readConfig } from "../../config/config.ts";
import { HoldfastError, StartError } from "../../errors.ts";
import { createLogger, type LogFields } from "../../log.ts";
import { databaseRoutes } from "../../routes/databases/databases.ts";
import { upgrade } from "../../runtime/http/web_socket.ts";
import { eventually, within } from "../helpers/eventually.ts";
import { passOverDriver } from "../helpers/rejections.ts";

passOverDriver();

const listOf = (...listed: [name: string, url: string][]) =>
  JSON.stringify({ databases: listed.map(([name, url]) => ({ name, url })) });

const configOf = (databases: string, env: Record<string, string> = {}): Config =>
  readConfig({ HOLDFAST_DATABASES: "d.json", PORT: "0", ...env }, () => databases);

/** A port whose connections get `answer` to the first bytes that they send, or stay open in silence without one. */
function startPort(answer?: Uint8Array) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  async function serve(client: Deno.Conn): Promise<void> {
    const bytes = new Uint8Array(4_096);
    try {
      while (await client.read(bytes) !== null) if (answer) await client.write(answer);
    } catch {
      // closed
    }
    if (open.delete(client)) client.close();
  }
  const accepting = (async () => {
    const serving: Promise<void>[] = [];
    for await (const client of listener) {
      open.add(client);
      serving.push(serve(client));
    }
    await Promise.all(serving);
  })();
  return {
    url: `postgres://holdfast:wrong@127.0.0.1:${listener.addr.port}/trading?sslmode=disable`,
    async stop() {
      listener.close();
      for (const client of open) client.close();
      open.clear();
      await accepting;
    },
  };
}

/** What a server says to a wrong password. */
function refusal(): Uint8Array {
  const fields = ["SFATAL", "VFATAL", "C28P01", "Mpassword authentication failed", ""];
  const text = new TextEncoder().encode(fields.join("\0") + "\0");
  const bytes = new Uint8Array(5 + text.length);
  bytes[0] = "E".charCodeAt(0);
  new DataView(bytes.buffer).setUint32(1, 4 + text.length);
  bytes.set(text, 5);
  return bytes;
}

Deno.test("a database that is listed twice is refused: both of its Holdfasts would lead", () => {
  const log = createLogger({ level: "error", write: () => {} });
  const fleetOf = (config: Config) =>
    createFleet({
      entries: config.databases,
      first: {
        name: config.databaseName,
        target: { kind: "url", url: config.DATABASE_URL ?? "" },
      },
      config,
      create: () => Promise.reject(new Error("not started")),
      log,
    });
  const twice: [Config, RegExp][] = [
    [
      configOf(listOf(["a", "postgres://u:secret@h/x"], ["b", "host=H port=5432 dbname=x user=v"])),
      /lists "b", which is the database of "a"/,
    ],
    [
      configOf(listOf(["a", "postgres://u@h/x"]), { DATABASE_URL: "postgres://v:secret@h:5432/x" }),
      /lists "a", which is the database of "default"/,
    ],
  ];
  for (const [config, message] of twice) {
    assert.throws(
      () => fleetOf(config),
      (error) =>
        error instanceof StartError && message.test(error.message) &&
        !error.message.includes("secret"),
    );
  }
  fleetOf(configOf(listOf(["a", "postgres://u@h/x"], ["b", "postgres://u@h/y"])));
  const roles = ["read-write", "standby"].map((role) =>
    `postgres://u@h,i/x?target_session_attrs=${role}`
  );
  fleetOf(configOf(listOf(["a", roles[0]!], ["b", roles[1]!])));
});

Deno.test("a stop does not wait for a start that hangs, and gives every database its time", async () => {
  const given = new Map<string, number>();
  const hanging = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  const holdfastOf = (name: string) =>
    ({
      start() {
        if (name === "well") started.resolve();
        return name === "hangs" ? hanging.promise : Promise.resolve();
      },
      stop(withinMs: number) {
        given.set(name, withinMs);
        return Promise.resolve();
      },
    }) as unknown as Holdfast;
  const config = configOf(listOf(["hangs", "postgres://h/a"], ["well", "postgres://h/b"]), {
    DATABASE_URL: "postgres://h/c",
  });
  const fleet = createFleet({
    entries: config.databases,
    first: { name: "default", target: { kind: "url", url: "postgres://h/c" } },
    config,
    create: (name) => Promise.resolve(holdfastOf(name)),
    log: createLogger({ level: "error", write: () => {} }),
  });
  fleet.start();
  await started.promise;
  const withinMs = 2_000;
  await fleet.stop(withinMs);
  assert.ok(given.get("well")! > withinMs / 2, `${given.get("well")} ms`);
  assert.equal(given.get("hangs"), 0);
  hanging.resolve();
});

Deno.test("a path of a database that cannot be started says why, and does not deny the database", async () => {
  const summary = () => ({
    name: "broken",
    status: "unhealthy" as const,
    engine: null,
    version: null,
    role: null,
    reasons: ["preparation: its certificate is missing"],
    alerts_firing: 0,
    age_ms: null,
  });
  const router = databaseRoutes({
    members: { several: true, list: () => [{ name: "broken", summary }] },
  });
  const errors: unknown[] = [];
  router.onError((error, c) => {
    errors.push(error);
    return c.body(null, 500);
  });
  for (const name of ["broken", "other"]) await router.request(`/api/databases/${name}/alerts`);
  assert.deepEqual(
    errors.map((error) => error instanceof HoldfastError && [error.code, error.message]),
    [
      [
        "database_unavailable",
        "The database broken is not ready: preparation: its certificate is missing",
      ],
      ["not_found", "There is no database other; there are: broken"],
    ],
  );
});

Deno.test("a first database that refuses the login ends no other, and a silent one takes no time of its stop", async () => {
  const [refusing, silent] = [startPort(refusal()), startPort()];
  const folder = await Deno.makeTempDir({ prefix: "holdfast-trouble-" });
  const logs: LogFields[] = [];
  const config = configOf(listOf(["silent", silent.url]), {
    DATABASE_URL: refusing.url,
    HOLDFAST_DATA_DIR: folder,
  });
  const holdfast = await createHoldfasts({
    config,
    log: createLogger({ level: "debug", write: (line) => logs.push(JSON.parse(line)) }),
    upgrade,
    version: "0.0.0-test",
  });
  const list = async () => {
    const answer = await holdfast.handle(new Request("http://127.0.0.1/api/databases"));
    const { databases } = await answer.json() as {
      databases: { name: string; status: string; reasons: string[] }[];
    };
    return databases;
  };
  const starting = holdfast.start();
  starting.catch(() => {});
  try {
    const first = await eventually(
      async () =>
        (await list()).find(({ name, status }) => name === "default" && status === "unhealthy"),
      "the first is listed with its reason",
    );
    assert.match(first.reasons.join(), /password/);
    await eventually(
      () =>
        logs.some(({ event, database }) =>
          event === "database_not_started" && database === "default"
        ),
      "the log says so",
    );
    assert.ok((await list()).some(({ name }) => name === "silent"), "the other is looked after");
  } finally {
    await within(5_000, "the stop", async () => {
      const began = performance.now();
      await holdfast.stop(300);
      return performance.now() - began;
    });
    await starting;
    await Promise.all([refusing.stop(), silent.stop()]);
    await Deno.remove(folder, { recursive: true });
  }
  const cut = logs.filter(({ event }) => event === "stop_cut_short");
  assert.ok(cut.every(({ database }) => database === "silent"), JSON.stringify(cut));
});
