import { acknowledgeAlert } from "../../db/alerts/alerts.ts";
import { HoldfastError } from "../../errors.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Logger } from "../../log.ts";
import type { Publisher } from "../live/hub.ts";
import type { WriteAccess } from "../monitor/write_access/access.ts";
import type { Alert, MetricValue } from "./alert.ts";
import { createFactChanges } from "./evaluation/facts.ts";
import type { Explain } from "./evaluation/judgement.ts";
import type { ReadingSource } from "./evaluation/sources.ts";
import { AlertState } from "./evaluation/state.ts";
import { type AlertPage, bySeverity, pageOf } from "./listing.ts";
import { Announcer } from "./notify/announcer.ts";
import type { Deliveries } from "./notify/deliveries.ts";
import { liveChannels, testChannel } from "./notify/sample.ts";
import type { Silences } from "./notify/silences.ts";
import { createRuleRegistry } from "./rules/registry.ts";
import type { Rule } from "./rules/rule.ts";
import type { Lease } from "./storage/lease.ts";
import { type AlertStore, fromRecord } from "./storage/store.ts";
import { Synchronizer } from "./storage/synchronizer.ts";

export type Alerts = ReturnType<typeof createAlerts>;

export interface AlertsOptions {
  rules: readonly Rule[];
  access: WriteAccess;
  store: AlertStore;
  lease: Lease;
  silences: Silences;
  deliveries: Deliveries;
  /** Sources of values besides those that `evaluate` gets. */
  sources: readonly ReadingSource[];
  /** Milliseconds between reminders of an alert; 0 for none. */
  remindMs: number;
  /** Firings within an hour that are flapping; 0 for never. */
  flapFirings?: number;
  hub: Publisher;
  clock: Clock;
  log: Logger;
}

/** Creates the alerts of this Holdfast, which shares the work with other Holdfasts on the same database. */
export function createAlerts(options: AlertsOptions) {
  const { access, store, lease, silences, deliveries, sources, clock, log } = options;
  const now = () => clock.now().getTime();
  const state = new AlertState({ instance: lease.name, flapFirings: options.flapFirings });
  const registry = createRuleRegistry({ initial: options.rules, store, log });
  // A lease that was just taken counts once the stored alerts are adopted: judged before, they would fire anew.
  const leads = (): boolean => lease.leads() && (sync.led || !access.canWrite());
  const announcer = new Announcer({ ...options, lease: { leads }, state, now });
  const sync: Synchronizer = new Synchronizer({ ...options, state, registry, announcer, now });
  const facts = createFactChanges();

  /** Acknowledges an alert that another Holdfast judges, or that is not in memory. */
  async function acknowledgeStored(id: string, by: string, mine: Alert | undefined) {
    if (!access.isWatchOnly()) access.require();
    const record = access.isWatchOnly()
      ? undefined
      : await acknowledgeAlert(store.db, { id, by, at: clock.now() });
    if (!record) throw new HoldfastError("not_found", `No open alert has the id ${id}`);
    const alert = fromRecord(record);
    if (mine) return announcer.acknowledge({ ...mine, ...alert });
    announcer.live.publish(announcer.withMutes(alert), "acknowledged");
    return alert;
  }

  return {
    /** Loads the open alerts and the changed rules from the database. */
    load: sync.run,
    /**
     * Judges values by their rules, announces what changed, and saves it. `complete` names the metrics all of whose
     * scopes are among the values: an alert on a scope that is missing ends.
     */
    evaluate(
      given: readonly MetricValue[],
      explain: Explain,
      complete: ReadonlySet<string> = new Set(),
    ): void {
      const judgesShared = leads();
      const values = [...given, ...sources.flatMap((source) => source.values())];
      const rules = registry.rules().filter(({ local }) => local || judgesShared);
      const changes = state.judge(rules, values, { now: now(), complete, explain });
      announcer.refreshMutes(changes);
      for (const { kind, alert } of changes) {
        announcer.announce(state.find(alert.id) ?? alert, kind, "us");
      }
      const changedFacts = facts.take(state.open(), now());
      for (const alert of changedFacts.filter((one) => announcer.isOurs(one))) {
        store.saveAlert(alert);
      }
      const ended = changes.filter(({ kind }) => kind === "resolved").map(({ alert }) => alert);
      announcer.notify(ended, sync);
      sync.runSoon();
    },
    /** Returns the open alerts, critical ones first, then the newest first. */
    firing: () => state.open().sort(bySeverity),
    /** Returns a page of alerts, newest first. Pending alerts are in memory alone. */
    async list(query: Parameters<AlertStore["list"]>[0]): Promise<AlertPage> {
      if (query.state === "pending") {
        return { alerts: query.before ? [] : state.pending(), complete: true };
      }
      // From memory: a new silence or alert counts at once, not when it is saved.
      return await pageOf(store, query, announcer.open());
    },
    /** Returns one alert. Throws `not_found`. */
    async find(id: string): Promise<Alert> {
      const alert = state.find(id) ?? await store.find(id);
      if (!alert) throw new HoldfastError("not_found", `No alert has the id ${id}`);
      return alert;
    },
    /** Acknowledges an open alert for `by`: reminders end. Throws `not_found`. */
    async acknowledge(id: string, by: string): Promise<Alert> {
      const mine = state.find(id);
      if (!mine || !announcer.isOurs(mine)) return await acknowledgeStored(id, by, mine);
      if (mine.acknowledged_at !== null) return mine;
      const acknowledged_at = clock.now().toISOString();
      const alert = announcer.acknowledge({ ...mine, acknowledged_at, acknowledged_by: by });
      sync.runSoon();
      return alert;
    },
    rules: registry.rules,
    rule: registry.find,
    tryLevels: registry.tryLevels,
    changeRules: registry.change,
    silences: announcer.live.withSilences(silences),
    deliveries,
    flapFirings: options.flapFirings,
    now: () => clock.now(),
    channels: () => [...liveChannels, ...deliveries.channels()],
    /** Sends a sample alert through one channel, at once. Throws `not_found`. */
    testChannel: (name: string) =>
      testChannel(name, { instance: lease.name, live: announcer.live, deliveries, clock, log }),
    /** Saves what waits, and gives the lease back. */
    async stop(): Promise<void> {
      await Promise.all([deliveries.stop(), ...sources.map((source) => source.stop?.())]);
      if (!sync.isReady) return;
      await sync.run().then(() => lease.release()).catch(() => {});
    },
  };
}
