import assert from "node:assert/strict";
import { publicUrl } from "../../app/alerts.ts";
import { type Alert, runbookOf } from "../../services/alerts/alert.ts";
import { createDeliveries } from "../../services/alerts/notify/deliveries.ts";
import { backoffMs } from "../../services/alerts/notify/delivery_events.ts";
import { formatAlertmanager } from "../../services/alerts/notify/channels/alertmanager.ts";
import { type Message, wants } from "../../services/alerts/notify/channels/channel.ts";
import { formatPagerDuty } from "../../services/alerts/notify/channels/pagerduty.ts";
import { formatSlack } from "../../services/alerts/notify/channels/slack.ts";
import { formatWebhook, sign } from "../../services/alerts/notify/channels/webhook.ts";
import type { Notice } from "../../services/alerts/notify/due.ts";
import { sampleAlert } from "../../services/alerts/notify/sample.ts";
import { checkChannelRules } from "../../services/alerts/rules/overrides.ts";
import { readConfig } from "../../config/config.ts";
import type { RecordsDb } from "../../db/records/records.ts";
import type { DeliveryRecord } from "../../db/alerts/deliveries.ts";
import { createLogger } from "../../log.ts";
import type { ChannelSetting } from "../../config/channels.ts";
import { eventually } from "../helpers/eventually.ts";
import { startApp } from "../helpers/test_app.ts";
import { freePort } from "../helpers/process.ts";
import { startReceiver } from "../helpers/receiver.ts";
import { alertmanager, testWith } from "../helpers/skip.ts";

const at = "2026-01-01T00:00:00.000Z";
const sender = { instance: "trading-1", url: "http://127.0.0.1:8000/" };
const alert: Alert = {
  ...sampleAlert("", at),
  rule: "lock_wait",
  runbook: runbookOf("lock_wait"),
  alert_type: "lock_wait_warning",
  severity: "warning",
  peak_severity: "warning",
  state: "firing",
  resolved_at: null,
  message: "Waiting for a lock on <a & b>: 12 s",
  scope: "a",
  cause: "One session holds what others need.",
  cure: [{ sql: "select 1 < 2", lock: "none", risk: "reads only" }],
};
const message = (...notices: Notice[]): Message => ({ id: "1", notices, now: new Date(at) });
const setting = (type: ChannelSetting["type"], more: Partial<ChannelSetting> = {}) => ({
  name: "ops",
  type,
  min_severity: "warning" as const,
  ...more,
});

Deno.test("a webhook's signature is that of standardwebhooks.com", () => {
  // The example of its specification.
  assert.equal(
    sign(
      "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
      "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "1614265330",
      '{"test": 2432232314}',
    ),
    "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  );
});

Deno.test("Slack gets one line per notice, with its control characters escaped, and cause, cure and runbook of new alerts", () => {
  const [out] = formatSlack(
    setting("slack", { url: "https://hooks.example/x" }),
    message({ kind: "fired", alert }, { kind: "reminder", alert }),
    sender,
  );
  assert.deepEqual(JSON.parse(out!.body).text.split("\n"), [
    "*FIRING warning: Waiting for a lock on &lt;a &amp; b&gt;: 12 s*",
    "One session holds what others need.",
    "```select 1 &lt; 2```",
    "<http://127.0.0.1:8000/docs/runbook#lock_wait|Runbook>",
    "*STILL FIRING warning: Waiting for a lock on &lt;a &amp; b&gt;: 12 s*",
    "_Holdfast trading-1_",
  ]);
});

Deno.test("of several databases each is named, and none ends another's incident", () => {
  const notice = message({ kind: "fired", alert });
  const of = (database?: string) => {
    const from = { ...sender, database };
    const [page] = formatPagerDuty(setting("pagerduty", { secret: "k" }), notice, from);
    const [post] = formatAlertmanager(setting("alertmanager", { url: "http://am" }), notice, from);
    const [line] = formatSlack(setting("slack"), notice, from);
    return [
      JSON.parse(page!.body).dedup_key,
      JSON.parse(post!.body)[0].labels.database,
      JSON.parse(line!.body).text.split(" ")[0],
    ];
  };
  assert.deepEqual(of("reports"), ["holdfast/reports/lock_wait/a", "reports", "*reports:"]);
  assert.deepEqual(of(), ["holdfast/lock_wait/a", undefined, "*FIRING"]);
});

Deno.test("PagerDuty gets an event each, with one key from trigger to resolve", () => {
  const kinds = ["fired", "escalated", "acknowledged", "resolved"] as const;
  const events = formatPagerDuty(
    setting("pagerduty", { secret: "routing-key" }),
    message(...kinds.map((kind) => ({ kind, alert }))),
    sender,
  ).map(({ url, body }) => ({ url, ...JSON.parse(body) }));
  assert.deepEqual(events.map(({ event_action }) => event_action), [
    "trigger",
    "trigger",
    "acknowledge",
    "resolve",
  ]);
  assert.equal(new Set(events.map(({ dedup_key }) => dedup_key)).size, 1);
  assert.equal(events[0].url, "https://events.pagerduty.com/v2/enqueue");
  assert.equal(events[0].routing_key, "routing-key");
  assert.equal(events[0].payload.severity, "warning");
  assert.deepEqual(events[0].links, [
    { href: "http://127.0.0.1:8000/docs/runbook#lock_wait", text: "Runbook" },
  ]);
  assert.equal(events[3].payload, undefined);
});

Deno.test("for Alertmanager a changed severity ends the one alert and begins the other", () => {
  const [out] = formatAlertmanager(
    setting("alertmanager", { url: "http://127.0.0.1:9093/" }),
    message({ kind: "escalated", alert: { ...alert, severity: "critical" } }),
    sender,
  );
  assert.equal(out?.url, "http://127.0.0.1:9093/api/v2/alerts");
  const [before, after] = JSON.parse(out!.body);
  assert.deepEqual([before.labels.severity, before.endsAt], ["warning", at]);
  assert.deepEqual([after.labels.severity, after.endsAt], ["critical", "2026-01-01T00:10:00.000Z"]);
  assert.equal(after.annotations.runbook_url, "http://127.0.0.1:8000/docs/runbook#lock_wait");
});

Deno.test("for Alertmanager the end of an alert that was critical ends either severity", () => {
  const ended = (peak_severity: "warning" | "critical") => {
    const [out] = formatAlertmanager(
      setting("alertmanager", { url: "http://127.0.0.1:9093/" }),
      message({ kind: "resolved", alert: { ...alert, peak_severity, resolved_at: at } }),
      sender,
    );
    const entries: { labels: { severity: string }; endsAt: string }[] = JSON.parse(out!.body);
    assert.ok(entries.every(({ endsAt }) => endsAt === at));
    return entries.map(({ labels }) => labels.severity);
  };
  assert.deepEqual(ended("warning"), ["warning"]);
  assert.deepEqual(ended("critical"), ["critical", "warning"]);
});

Deno.test("each notice of a webhook has the address of its runbook where people reach Holdfast", () => {
  const from = { ...sender, url: "https://holdfast.example" };
  const { runbook: _, ...stored } = alert;
  // A notice that an earlier version queued has no address of its own.
  const notices = message({ kind: "fired", alert }, { kind: "reminder", alert: stored as Alert });
  const [out] = formatWebhook(setting("webhook", { url: "https://ops.example" }), notices, from);
  const body: { notices: { runbook: string }[] } = JSON.parse(out!.body);
  const address = "https://holdfast.example/docs/runbook#lock_wait";
  assert.deepEqual(body.notices.map(({ runbook }) => runbook), [address, address]);
});

Deno.test("without an address for links, they lead to where Holdfast listens", () => {
  const of = (HOST: string) =>
    new URL(publicUrl(readConfig({ HOST, HOLDFAST_TOKEN: "x".repeat(40) }))).href;
  assert.equal(of("127.0.0.1"), "http://127.0.0.1:8000/");
  assert.equal(of("::1"), "http://[::1]:8000/");
  assert.equal(of("0.0.0.0"), new URL(`http://${Deno.hostname()}:8000/`).href);
});

Deno.test("the address for links is http or https and nothing but an origin", () => {
  const read = (url: string) => () => readConfig({ HOLDFAST_PUBLIC_URL: url });
  assert.equal(read("https://holdfast.example")().HOLDFAST_PUBLIC_URL, "https://holdfast.example");
  assert.equal(read("http://10.0.0.5:8000/")().HOLDFAST_PUBLIC_URL, "http://10.0.0.5:8000/");
  for (
    const url of ["javascript:alert(1)", "holdfast.example", "https://a:b@c", "https://a/b", "x"]
  ) {
    assert.throws(read(url), /HOLDFAST_PUBLIC_URL/, url);
  }
});

Deno.test("a channel gets alerts of its least severity, and the end of every alert that it got", () => {
  const critical = setting("slack", { min_severity: "critical" });
  assert.ok(!wants(critical, { kind: "fired", alert }));
  assert.ok(wants(critical, { kind: "eased", alert: { ...alert, peak_severity: "critical" } }));
  assert.ok(!wants(setting("slack", { rules: ["archiver"] }), { kind: "fired", alert }));
});

Deno.test("channels are settings, and a wrong one stops the start without showing its secrets", () => {
  const read = (channels: unknown) => () =>
    readConfig({ HOLDFAST_CHANNELS: JSON.stringify(channels) });
  const good = {
    name: "ops",
    type: "webhook",
    url: "https://ops.example/in",
    secret: "long enough",
  };
  assert.deepEqual(read([good])().HOLDFAST_CHANNELS, [{ ...good, min_severity: "warning" }]);
  for (
    const wrong of [
      [good, good],
      [{ ...good, url: "file:///etc/passwd" }],
      [{ ...good, secret: undefined }],
      [{ ...good, name: "log" }],
      [{ ...good, type: "email" }],
      [{ name: "pd", type: "pagerduty" }],
      [{ name: "am", type: "alertmanager" }],
      {},
    ]
  ) {
    assert.throws(
      read(wrong),
      (error: Error) =>
        /^HOLDFAST_CHANNELS is \(hidden\); allowed: /.test(error.message) &&
        !error.message.includes("ops.example"),
    );
  }
  const keyed = (secret: string) => read([{ ...good, type: "webhook", secret }]);
  for (const secret of ["whsec_MfKQ9r8G", "whsec_MfKQ9r8GKg==", "whsec_MfKQ9r8GKg", "plain text"]) {
    keyed(secret)();
    sign(secret, "1", "2", "3");
  }
  for (const secret of ["whsec_!!", "whsec_MfKQ9", "whsec_Mf KQ"]) {
    assert.throws(keyed(secret), /HOLDFAST_CHANNELS is \(hidden\)/);
  }
  assert.throws(() => readConfig({ HOLDFAST_CHANNELS: "[" }), /^StartError: HOLDFAST_CHANNELS is/);
});

Deno.test("a channel for a rule that does not exist stops the start", () => {
  const named = (...rules: string[]) => [setting("slack", { rules })];
  checkChannelRules(named("lock_wait", "archiver"));
  assert.throws(
    () => checkChannelRules(named("lock_wait", "lock_wiat")),
    /^StartError: HOLDFAST_CHANNELS limits the channel \S+ to the rule "lock_wiat"; did you mean lock_wait\?; allowed: database_down, /,
  );
});

Deno.test("tries are twice as far apart each time, up to five minutes, or as the receiver asks", () => {
  assert.deepEqual([1, 2, 3, 9, 10, 40].map((tries) => backoffMs(tries)), [
    1_000,
    2_000,
    4_000,
    256_000,
    300_000,
    300_000,
  ]);
  assert.equal(backoffMs(1, 60_000), 60_000);
});

Deno.test("the queue of a channel that never answers is bounded: the oldest deliveries fail and are saved as failed", async () => {
  const saved = new Map<string, DeliveryRecord>();
  const deliveries = createDeliveries({
    settings: [setting("slack", { url: "https://hooks.example/secret" })],
    owner: "me",
    sender,
    store: {
      saveDelivery: (record) => void saved.set(record.id, record),
      deliveries: () => Promise.resolve([...saved.values()]),
      notifiedAt: () => Promise.resolve(new Map()),
      isDeliveryUnsaved: () => false,
      db: {} as RecordsDb,
    },
    clock: { now: () => new Date(at) },
    log: createLogger({ level: "error", write: () => {} }),
    fetch: () => Promise.reject(new TypeError("error sending request for url (https://…)")),
  });
  for (let sent = 0; sent < 1_010; sent++) deliveries.send([{ kind: "fired", alert }]);
  await eventually(() => [...saved.values()].some(({ attempts }) => attempts === 1), "one try");
  const dead = [...saved.values()].filter(({ state }) => state === "dead");
  assert.equal(dead.length, 10);
  assert.ok(dead.every(({ error }) => error === "more than 1000 deliveries waited"));
  assert.equal(deliveries.channels()[0]?.waiting, 1_000);
  const [tried] = [...saved.values()];
  assert.equal(tried?.error, "no connection");
  await deliveries.stop();
});

testWith(
  alertmanager,
  "Debian's Alertmanager receives an alert that fires, and its end",
  async () => {
    const folder = await Deno.makeTempDir({ prefix: "holdfast-alertmanager-" });
    const receiver = startReceiver();
    const port = freePort();
    await Deno.writeTextFile(
      `${folder}/config.yml`,
      JSON.stringify({
        route: { receiver: "us", group_wait: "0s", group_interval: "1s", group_by: ["..."] },
        receivers: [{ name: "us", webhook_configs: [{ url: receiver.url }] }],
      }),
    );
    const child = new Deno.Command(alertmanager.bin, {
      args: [
        `--config.file=${folder}/config.yml`,
        `--storage.path=${folder}/data`,
        `--web.listen-address=127.0.0.1:${port}`,
        "--cluster.listen-address=",
      ],
      stdout: "null",
      stderr: "null",
    }).spawn();
    const url = `http://127.0.0.1:${port}`;
    const app = await startApp({
      HOLDFAST_FAST_TIER_SECONDS: "1",
      HOLDFAST_BROADCAST_SECONDS: "1",
      HOLDFAST_CHANNELS: JSON.stringify([{ name: "am", type: "alertmanager", url }]),
      HOLDFAST_ALERT_IDLE_IN_TRANSACTION_WARNING: "0.5",
      HOLDFAST_ALERT_IDLE_IN_TRANSACTION_CLEAR: "0.1",
      HOLDFAST_ALERT_IDLE_IN_TRANSACTION_KEEP_FIRING_SECONDS: "0",
    });
    /** What Alertmanager itself tells its receiver. */
    const heard = (status: string) =>
      eventually(
        () =>
          receiver.received.map(({ body }) => JSON.parse(body).alerts[0])
            .find((one) => one.labels.alertname === "idle_in_transaction" && one.status === status),
        `Alertmanager tells that it is ${status}`,
      );
    try {
      await eventually(async () => (await fetch(`${url}/-/ready`)).ok, "Alertmanager is ready");
      const session = await app.sql.reserve();
      await session`begin`;
      await session`select 1`;
      const firing = await heard("firing");
      assert.deepEqual(firing.labels, {
        alertname: "idle_in_transaction",
        severity: "warning",
        service: "holdfast",
      });
      assert.match(firing.annotations.summary, /^Session idle in transaction: \d+ s$/);
      assert.match(firing.annotations.cure, /pg_stat_activity/);
      await session`rollback`;
      session.release();
      const resolved = await heard("resolved");
      assert.equal(resolved.startsAt, firing.startsAt);
    } finally {
      await app.stop();
      child.kill("SIGTERM");
      await child.status;
      await receiver.stop();
      await Deno.remove(folder, { recursive: true });
    }
  },
);
