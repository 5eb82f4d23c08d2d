import { acknowledgeAlert } from "../../db/alerts/alerts.ts";
import { tidyAlerts } from "../../db/alerts/silences.ts";
import { HoldfastError } from "../../errors.ts";
import { createRerun } from "../../lib/rerun.ts";
import type { Logger } from "../../log.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Publisher } from "../live/hub.ts";
import type { Alert, MetricValue } from "./alert.ts";
import { type ChangeKind, createAlertState, type Explain } from "./evaluation/state.ts";
import type { Deliveries } from "./notify/deliveries.ts";
import { createFactChanges } from "./evaluation/facts.ts";
import { inhibitedBy } from "./notify/inhibition.ts";
import type { Lease } from "./storage/lease.ts";
import { createLiveEvents } from "./notify/live_events.ts";
import { type AlertPage, pageOf } from "./listing.ts";
import { type Notice, noticeDue, told } from "./notify/due.ts";
import type { Rule } from "./rules/rule.ts";
import { createRuleRegistry } from "./rules/registry.ts";
import { liveChannels, sampleAlert } from "./notify/sample.ts";
import { silencedBy, type Silences } from "./notify/silences.ts";
import type { ReadingSource } from "./evaluation/sources.ts";
import type { WriteAccess } from "../monitor/write_access/access.ts";
import { type AlertStore, fromRecord } from "./storage/store.ts";

export type Alerts = ReturnType<typeof createAlerts>;
const tidyEveryMs = 3_600_000;

/** The alert engine's shell: judges, tells and keeps; shares the work with other Holdfasts on the same database. */
export function createAlerts(
  {
    rules: initial,
    access,
    store,
    lease,
    silences,
    deliveries,
    sources,
    remindMs,
    flapFirings,
    hub,
    clock,
    log,
  }: {
    rules: readonly Rule[];
    access: WriteAccess;
    store: AlertStore;
    lease: Lease;
    silences: Silences;
    deliveries: Deliveries;
    /** Who has values besides those that `evaluate` is given. */
    sources: readonly ReadingSource[];
    remindMs: number;
    /** Firings within an hour that are flapping; 0 for never. */
    flapFirings?: number;
    hub: Publisher;
    clock: Clock;
    log: Logger;
  },
) {
  const book = createAlertState({ instance: lease.name, flapFirings });
  const registry = createRuleRegistry({ initial, store, log });
  const facts = createFactChanges();
  let loaded = false;
  let led = false;
  let tidiedAt = -Infinity;
  const now = () => clock.now().getTime();

  /** Alerts that this Holdfast answers for: those of all while it leads, and its own. */
  const isOurs = ({ instance }: Alert) => instance !== "" || lease.leads();

  /** What another Holdfast judges it has told live clients itself. */
  function announce(alert: Alert, change: ChangeKind | "acknowledged", by: "us" | "another"): void {
    if (isOurs(alert)) store.saveAlert(alert);
    if (by === "us") live.tell(withMutes(alert, book.open()), change);
    const level = alert.state === "resolved"
      ? "info"
      : alert.severity === "critical"
      ? "error"
      : "warn";
    log[level]("alert", {
      alert_type: alert.alert_type,
      state: alert.state,
      change,
      message: alert.message,
      scope: alert.scope,
      ...(alert.silenced_by || alert.inhibited_by ? { muted: true } : {}),
    });
  }

  function withMutes(alert: Alert, firing: readonly Alert[]): Alert {
    return {
      ...alert,
      silenced_by: silencedBy(alert, silences.present(), now()) ?? null,
      inhibited_by: inhibitedBy(alert, firing) ?? null,
    };
  }

  const live = createLiveEvents({
    hub,
    open: () => book.open().map((alert) => withMutes(alert, book.open())),
    put: book.put,
  });

  /** Tells channels what is due of the open alerts and of those that just ended. */
  function notify(ended: readonly Alert[]): void {
    const notices: Notice[] = [];
    for (const alert of [...ended, ...book.open().filter(isOurs)]) {
      const kind = noticeDue(alert, { now: now(), remindMs });
      if (!kind) continue;
      const after = told(alert, now());
      notices.push({ kind, alert: after });
      if (after.state === "firing") book.put(after);
      store.saveAlert(after);
    }
    if (notices.length > 0) deliveries.send(notices);
    // Also while the database is away, and the lease with it: what is not told again is over for an Alertmanager.
    const known = book.open().filter(({ instance, notified_at }) =>
      (instance !== "" || led || !access.canWrite()) && notified_at !== null
    );
    deliveries.repeat(known.map((alert) => ({ kind: "reminder", alert })));
  }

  async function takeUp(instance: string, seenAt: number): Promise<void> {
    const alerts = (await store.open()).filter((alert) => alert.instance === instance);
    const records = (await store.states(instance)).filter((one) => one.instance === instance);
    for (const { from, alert } of book.adopt(registry.rules(), alerts, records, seenAt)) {
      store.dropAlert(from);
      store.saveAlert(alert);
    }
    live.tellAgain(alerts.map((alert) => withMutes(alert, book.open())), seenAt);
  }

  /** What another Holdfast, or somebody through it, did to the open alerts. */
  async function lookAround(leads: boolean): Promise<void> {
    const open = await store.open();
    if (!leads) {
      const shared = open.filter(({ instance }) => instance === "");
      const changes = book.follow(registry.rules(), shared, now());
      for (const { kind, alert } of changes) announce(alert, kind, "another");
    }
    for (const { id, acknowledged_at, acknowledged_by } of open) {
      const mine = book.find(id);
      if (!mine || acknowledged_at === null || mine.acknowledged_at !== null) continue;
      acknowledged({ ...mine, acknowledged_at, acknowledged_by });
    }
    await silences.refresh();
    await registry.refresh();
  }

  async function syncOnce(): Promise<void> {
    const { leads, wasOthers, heldAt } = await lease.renew();
    const takesOver = leads && (!led || wasOthers);
    if (!loaded) {
      await registry.refresh();
      await silences.refresh();
      await takeUp(lease.name, heldAt ?? now());
    }
    if (takesOver) {
      await takeUp("", heldAt ?? now());
      log.info("alerts_led", { instance: lease.name });
    }
    if (!leads && led) store.dropShared();
    if (!loaded || takesOver) await deliveries.adopt();
    loaded = true;
    led = leads;
    store.saveStates(
      book.changedStates(now()).filter(({ instance }) => instance !== "" || leads),
    );
    // Another is open there already: taken up as our own, and written at the next turn.
    if (!await store.flush()) await takeUp("", now());
    await lookAround(leads);
    if (leads && performance.now() - tidiedAt > tidyEveryMs) {
      tidiedAt = performance.now();
      await tidyAlerts(store.db);
    }
  }

  /** Brings the database and this process together; one at a time, once more when something changed meanwhile. */
  const sync = createRerun(syncOnce);

  function syncSoon(): void {
    if (!loaded || !access.canWrite()) return;
    sync().then(() => store.noteOutcome(), (error) => store.noteOutcome(error));
  }

  function acknowledged(alert: Alert): Alert {
    book.put(alert);
    announce(alert, "acknowledged", "us");
    if (alert.notified_at !== null && isOurs(alert)) {
      deliveries.send([{ kind: "acknowledged", alert }]);
    }
    return alert;
  }

  return {
    /** Takes up the alerts that were open, and the rules changed, before this start. */
    load: sync,
    /**
     * Judges values by their rules, tells what changed, and keeps it. `complete` names the metrics all of whose
     * scopes are among the values: an alert on one that is not there any more is over.
     */
    evaluate(
      given: readonly MetricValue[],
      explain: Explain,
      complete: ReadonlySet<string> = new Set(),
    ): void {
      const leads = lease.leads();
      const values = [...given, ...sources.flatMap((source) => source.values())];
      const rules = registry.rules().filter(({ local }) => local || leads);
      const changes = book.judge(rules, values, { now: now(), complete, explain });
      const firing = book.open();
      for (const alert of firing) {
        const muted = withMutes(alert, firing);
        book.put(muted);
        const isNew = changes.some(({ alert: { id } }) => id === alert.id);
        if (isOurs(alert) && !isNew) live.tellMute(alert, muted);
      }
      for (const { kind, alert } of changes) announce(book.find(alert.id) ?? alert, kind, "us");
      for (const alert of facts.take(book.open(), now()).filter(isOurs)) store.saveAlert(alert);
      notify(changes.filter(({ kind }) => kind === "resolved").map(({ alert }) => alert));
      syncSoon();
    },
    firing: () =>
      book.open().sort((a, b) =>
        a.severity === b.severity
          ? b.started_at.localeCompare(a.started_at)
          : a.severity === "critical"
          ? -1
          : 1
      ),
    /** Alerts, newest first; those that are pending are in memory alone. */
    async list(query: Parameters<AlertStore["list"]>[0]): Promise<AlertPage> {
      if (query.state === "pending") {
        return { alerts: query.before ? [] : book.pending(), complete: true };
      }
      // A silence made or ended, and an alert that fired, count at once, not when they are written.
      const firing = book.open();
      return await pageOf(store, query, firing.map((alert) => withMutes(alert, firing)));
    },
    async find(id: string): Promise<Alert> {
      const alert = book.find(id) ?? await store.find(id);
      if (!alert) throw new HoldfastError("not_found", `No alert has the id ${id}`);
      return alert;
    },
    /** Says that `by` is on it: no reminders any more. */
    async acknowledge(id: string, by: string): Promise<Alert> {
      const at = clock.now();
      const mine = book.find(id);
      if (mine && isOurs(mine)) {
        if (mine.acknowledged_at !== null) return mine;
        const alert = acknowledged({
          ...mine,
          acknowledged_at: at.toISOString(),
          acknowledged_by: by,
        });
        syncSoon();
        return alert;
      }
      if (!access.isWatchOnly()) access.require();
      const record = access.isWatchOnly()
        ? undefined
        : await acknowledgeAlert(store.db, { id, by, at });
      if (!record) throw new HoldfastError("not_found", `No open alert has the id ${id}`);
      const alert = fromRecord(record);
      if (mine) return acknowledged({ ...mine, ...alert });
      live.tell(withMutes(alert, book.open()), "acknowledged");
      return alert;
    },
    rules: registry.rules,
    rule: registry.find,
    tryLevels: registry.tryLevels,
    changeRules: registry.change,
    silences: live.withSilences(silences),
    deliveries,
    now: () => clock.now(),
    channels: () => [...liveChannels, ...deliveries.channels()],
    /** Sends a sample through one channel, at once; it begins and ends in the same breath. */
    async testChannel(name: string) {
      const alert = sampleAlert(lease.name, clock.now().toISOString());
      if (name === "websocket" || name === "log") {
        if (name === "log") log.info("alert_test", { message: alert.message });
        else live.tell(alert, "test");
        return { channel: name, delivered: true, error: null, duration_ms: 0 };
      }
      const firing: Alert = { ...alert, state: "firing", resolved_at: null };
      return await deliveries.test(name, [
        { kind: "fired", alert: firing },
        { kind: "resolved", alert },
      ]);
    },
    /** Writes what waits, and lets another Holdfast judge. */
    async stop(): Promise<void> {
      await Promise.all([deliveries.stop(), ...sources.map((source) => source.stop?.())]);
      if (!loaded || !access.canWrite()) return;
      await sync().then(() => lease.release()).catch(() => {});
    },
  };
}
