import assert from "node:assert/strict";
import { listenFailure } from "../../commands/serve.ts";
import { readConfig, unknownSettings } from "../../config/config.ts";
import { StartError } from "../../errors.ts";
import { serveHttp } from "../../runtime/http/serve.ts";
import { buildRules, checkChannelRules } from "../../services/alerts/rules/overrides.ts";
import { checkTargets } from "../../services/benchmarks/categories.ts";

function refusal(env: Record<string, string>, file?: string): string {
  try {
    readConfig(env, () => file ?? "{}");
  } catch (error) {
    assert.ok(error instanceof StartError);
    assert.ok(!error.message.includes("\n"), "one line");
    return error.message;
  }
  assert.fail(`${JSON.stringify(env)} was accepted`);
}

Deno.test("with nothing set, the defaults hold", () => {
  const config = readConfig({});
  assert.deepEqual([config.HOST, config.PORT, config.DATABASE_URL], ["127.0.0.1", 8000, undefined]);
  assert.equal(config.HOLDFAST_DATA_DIR, ".holdfast");
});

Deno.test("a name that looks like a setting and is none is told", () => {
  const env = {
    HOLDFAST_RETENTON_DAYS: "5",
    HOLDFAST_RETENTION_DAYS: "5",
    HOLDFAST_ALERT_CONNECTIONS_WARNING: "0.5",
    HOLDFAST_CONFIG: "x.json",
    PATH: "/bin",
  };
  assert.deepEqual(unknownSettings(env), ["HOLDFAST_RETENTON_DAYS"]);
});

Deno.test("a bad value names the setting, the value and what is allowed", () => {
  const cases: [Record<string, string>, RegExp][] = [
    [{ PORT: "abc" }, /^PORT is "abc"; allowed: a whole number from 0 to 65535/],
    [{ PORT: "70000" }, /^PORT is "70000"; allowed/],
    [{ PORT: "1.5" }, /^PORT is "1.5"; allowed/],
    [{ LOG_LEVEL: "loud" }, /^LOG_LEVEL is "loud"; allowed: debug, info, warn or error/],
    [{ HOLDFAST_PROFILE: "prod" }, /^HOLDFAST_PROFILE is "prod"; allowed: development/],
    [{ HOLDFAST_POOL_SIZE: "1" }, /^HOLDFAST_POOL_SIZE is "1"; allowed: a whole number from 2/],
    [{ HOLDFAST_BENCH_TARGETS: "{" }, /^HOLDFAST_BENCH_TARGETS is "{"; allowed: a JSON object/],
    [{ HOLDFAST_INSECURE: "perhaps" }, /^HOLDFAST_INSECURE is "perhaps"; allowed: 0 or 1/],
  ];
  for (const [env, message] of cases) assert.match(refusal(env), message);
});

Deno.test("what is no number is refused, and not read as 0 or 1", () => {
  for (const PORT of [" ", "0x1f90", "true", "8000 8001", "1_000", "Infinity"]) {
    assert.match(refusal({ PORT }), /^PORT is ".+"; allowed: a whole number from 0 to 65535/);
  }
  for (const value of ["null", "true", "[]", "[8000]", "{}"]) {
    for (const name of ["PORT", "HOLDFAST_RETENTION_DAYS", "HOLDFAST_RETENTION_BRAKE_RATIO"]) {
      const message = refusal({ HOLDFAST_CONFIG: "h.json" }, `{"${name}": ${value}}`);
      assert.equal(message.startsWith(`${name} is ${value}; allowed: `), true, message);
    }
  }
  for (const [text, port] of [["8001", 8001], [" 8001\n", 8001], ["8e3", 8000]] as const) {
    assert.equal(readConfig({ PORT: text }).PORT, port);
  }
});

Deno.test("a flag in the file is true or false, 1 or 0", () => {
  const insecure = (value: string) =>
    readConfig({ HOLDFAST_CONFIG: "h.json" }, () => `{"HOLDFAST_INSECURE": ${value}}`)
      .HOLDFAST_INSECURE;
  assert.deepEqual(["1", "0", "true", "false", '"1"'].map(insecure), [
    true,
    false,
    true,
    false,
    true,
  ]);
  assert.match(
    refusal({ HOLDFAST_CONFIG: "h.json" }, '{"HOLDFAST_INSECURE": 2}'),
    /^HOLDFAST_INSECURE is 2; allowed: 0 or 1/,
  );
});

Deno.test("a bad secret is refused without being shown", () => {
  assert.doesNotMatch(refusal({ HOLDFAST_TOKEN: "hunter2" }), /hunter2/);
  assert.doesNotMatch(refusal({ DATABASE_URL: "mysql://me:hunter2@db" }), /hunter2/);
  assert.match(
    refusal({ DATABASE_URL: "postgres://me:hunter2@db:port/x" }),
    /^DATABASE_URL is \(hidden\); allowed: a URL such as/,
  );
  const socket = "postgres://me@/x?host=/run/postgresql";
  assert.equal(readConfig({ DATABASE_URL: socket }).DATABASE_URL, socket);
});

Deno.test("others may reach Holdfast only with a token, or when told that the network is closed", () => {
  assert.match(refusal({ HOST: "0.0.0.0" }), /^HOST is "0.0.0.0".*HOLDFAST_TOKEN/);
  assert.equal(readConfig({ HOST: "0.0.0.0", HOLDFAST_TOKEN: "long enough" }).HOST, "0.0.0.0");
  assert.equal(readConfig({ HOST: "0.0.0.0", HOLDFAST_INSECURE: "1" }).HOST, "0.0.0.0");
  assert.match(refusal({ HOLDFAST_READ_TOKEN: "long enough" }), /without HOLDFAST_TOKEN/);
});

Deno.test("the environment wins over the file, the file over the defaults", () => {
  const file = '{"PORT": 9000, "LOG_LEVEL": "warn"}';
  const config = readConfig({ HOLDFAST_CONFIG: "holdfast.json", PORT: "9001" }, () => file);
  assert.deepEqual([config.PORT, config.LOG_LEVEL], [9001, "warn"]);
});

Deno.test("a file that cannot be used is named", () => {
  const env = { HOLDFAST_CONFIG: "holdfast.json" };
  assert.match(
    refusal(env, "{"),
    /^HOLDFAST_CONFIG is "holdfast.json"; allowed: a readable JSON file/,
  );
  assert.match(
    refusal(env, "[]"),
    /^HOLDFAST_CONFIG is "holdfast.json"; allowed: a file with a JSON object/,
  );
  assert.match(refusal(env, '{"PROT": 1}'), /^PROT in holdfast.json is not a setting/);
});

Deno.test("levels of alerts are set by name, and an unknown name stops the start", () => {
  const { alertOverrides } = readConfig({ HOLDFAST_ALERT_CONNECTION_POOL_WARNING: "0.5" });
  const rule = buildRules("production", alertOverrides).find(({ name }) =>
    name === "connection_pool"
  );
  assert.equal(rule?.warning, 0.5);
  assert.ok((rule?.clear ?? 1) < 0.5, "an alert that fires at 0.5 can end");
  for (
    const [name, value] of [
      ["HOLDFAST_ALERT_NOPE_WARNING", "1"],
      [
        "HOLDFAST_ALERT_DEADLOCKS_WARNING",
        "x",
      ],
      ["HOLDFAST_ALERT_DEADLOCKS_WARNING", " "],
      ["HOLDFAST_ALERT_DEADLOCKS_FOR_SECONDS", "-1"],
    ]
  ) {
    assert.throws(
      () => buildRules("production", [{ name: name ?? "", value: value ?? "" }]),
      StartError,
    );
  }
});

Deno.test("levels with which a rule could not work stop the start, as the API refuses them", () => {
  const start = (levels: Record<string, string>) =>
    buildRules(
      "production",
      Object.entries(levels).map(([level, value]) => ({
        name: `HOLDFAST_ALERT_CONNECTION_POOL_${level}`,
        value,
      })),
    );
  const bad: [Record<string, string>, RegExp][] = [
    [{ WARNING: "-1" }, /^HOLDFAST_ALERT_CONNECTION_POOL_WARNING is "-1"; allowed: .*negative/],
    [{ WARNING: "0.99" }, /^HOLDFAST_ALERT_CONNECTION_POOL_WARNING is "0.99"; allowed: .*critical/],
    [{ CLEAR: "0.9" }, /^HOLDFAST_ALERT_CONNECTION_POOL_CLEAR is "0.9"; allowed: .*must be below/],
  ];
  for (const [levels, message] of bad) assert.throws(() => start(levels), { message });
  assert.ok(start({ WARNING: "0.98", CRITICAL: "0.99" }).length > 0);
  assert.ok(start({ ENABLED: "0" }).length > 0);
});

Deno.test("a listener that does not start names the setting that is to be changed", async () => {
  const handle = () => new Response();
  const listen = async (host: string, port: number): Promise<string> => {
    try {
      await (await serveHttp({ host, port, handle })).stop();
    } catch (error) {
      return listenFailure({ HOST: host, PORT: port }, error).message;
    }
    assert.fail(`${host}:${port} was listened on`);
  };
  // An address of documentation (RFC 5737) is of no machine.
  const message = await listen("192.0.2.1", 8000);
  assert.match(
    message,
    /^Cannot listen on 192\.0\.2\.1:8000 .*; HOST is "192\.0\.2\.1"; allowed: /,
  );
  const first = await serveHttp({ host: "127.0.0.1", port: 0, handle });
  try {
    assert.match(await listen("127.0.0.1", first.port), /choose another PORT$/);
  } finally {
    await first.stop();
  }
});

Deno.test("what a setting names and does not exist stops the start", () => {
  const channels = (rule: string) =>
    readConfig({
      HOLDFAST_CHANNELS: JSON.stringify([
        { name: "chat", type: "slack", url: "https://hooks.example/x", rules: [rule] },
      ]),
    }).HOLDFAST_CHANNELS;
  checkChannelRules(channels("database_down"));
  assert.throws(() => checkChannelRules(channels("databse_down")), {
    name: "StartError",
    message:
      /^HOLDFAST_CHANNELS limits the channel chat .*"databse_down"; did you mean database_down\?/,
  });
  const targets = (text: string) =>
    readConfig({ HOLDFAST_BENCH_TARGETS: text }).HOLDFAST_BENCH_TARGETS;
  checkTargets(targets('{"insert_performance": 0.5, "monitoring_overhead": -0.1, "custom": 0}'));
  for (
    const [text, message] of [
      [
        '{"insert_perfomance": 0.5}',
        /^HOLDFAST_BENCH_TARGETS is .*; allowed: targets of the categ/,
      ],
      ['{"high_frequency_capacity": 0}', /allowed: more than 0 inserts per minute/],
    ] as const
  ) {
    assert.throws(() => checkTargets(targets(text)), { name: "StartError", message });
  }
});
