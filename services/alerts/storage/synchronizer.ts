import { deleteExpired } from "../../../db/alerts/expired.ts";
import { createRerun } from "../../../lib/rerun.ts";
import type { Logger } from "../../../log.ts";
import type { WriteAccess } from "../../monitor/write_access/access.ts";
import type { Alert } from "../alert.ts";
import type { AlertState } from "../evaluation/state.ts";
import type { Announcer } from "../notify/announcer.ts";
import type { Deliveries } from "../notify/deliveries.ts";
import type { Silences } from "../notify/silences.ts";
import type { RuleRegistry } from "../rules/registry.ts";
import type { Lease } from "./lease.ts";
import type { AlertStore } from "./store.ts";

const expiryEveryMs = 3_600_000;
/** Ended alerts, newest first, that are looked through for unpublished ends. */
const endedMax = 100;

export interface SynchronizerOptions {
  state: AlertState;
  registry: RuleRegistry;
  store: AlertStore;
  lease: Lease;
  silences: Pick<Silences, "refresh">;
  deliveries: Pick<Deliveries, "adopt">;
  announcer: Announcer;
  access: Pick<WriteAccess, "canWrite">;
  /** Milliseconds since 1970. */
  now: () => number;
  log: Logger;
}

/** Exchanges alerts, silences and rules between this process and the database, and renews the lease. */
export class Synchronizer {
  readonly #options: SynchronizerOptions;
  /** Whether the first cycle succeeded. */
  #loaded = false;
  #led = false;
  #expiredAt = -Infinity;
  /** Runs one cycle at a time; a call during a cycle makes another follow. */
  readonly run = createRerun(() => this.#cycle());

  constructor(options: SynchronizerOptions) {
    this.#options = options;
  }

  /** Returns whether this Holdfast held the lease at the last cycle, and has adopted what is stored since it took it. */
  get led(): boolean {
    return this.#led;
  }

  /** Returns whether a cycle can succeed: the first one has, and the server takes writes. */
  get isReady(): boolean {
    return this.#loaded && this.#options.access.canWrite();
  }

  /** Starts a cycle where one can succeed; its outcome is logged. */
  runSoon(): void {
    if (!this.isReady) return;
    const { store } = this.#options;
    this.run().then(() => store.noteOutcome(), (error) => store.noteOutcome(error));
  }

  async #cycle(): Promise<void> {
    const { lease, registry, silences, store, deliveries, state, now, log } = this.#options;
    const { leads, wasOthers, heldAt, seenAt } = await lease.renew();
    const takesOver = leads && (!this.#led || wasOthers);
    const orphans: Alert[] = [];
    if (!this.#loaded) {
      await registry.refresh();
      await silences.refresh();
      orphans.push(...await this.#adopt(lease.name, seenAt ?? now()));
    }
    if (takesOver) {
      this.#led = false;
      orphans.push(...await this.#adopt("", heldAt ?? now(), { replaces: this.#loaded }));
      log.info("alerts_led", { instance: lease.name });
    }
    if (!leads && this.#led) store.dropShared();
    if (!this.#loaded || takesOver) await deliveries.adopt();
    this.#loaded = true;
    this.#led = leads;
    this.#end(orphans);
    store.saveStates(
      state.changedStates(now()).filter(({ instance }) => instance !== "" || leads),
    );
    // An alert of the same rule and scope is open there already: it is adopted, and saved in the next cycle.
    if (!await store.flush()) {
      await this.#adopt("", now());
      await this.#adopt(lease.name, now());
    }
    await this.#readChanges(leads);
    if (leads && performance.now() - this.#expiredAt > expiryEveryMs) {
      this.#expiredAt = performance.now();
      await deleteExpired(store.db);
      this.#end(await store.abandoned());
    }
  }

  /**
   * Adopts what is stored of `instance` (empty: what all Holdfasts share), which was last judged at `seenAt`. Where it
   * `replaces`, it forgets what was read before of the shared alerts: the Holdfast that judged them may have changed them since.
   * Returns the alerts of rules that this version does not have.
   */
  async #adopt(
    instance: string,
    seenAt: number,
    { replaces = false } = {},
  ): Promise<readonly Alert[]> {
    const { store, state, registry, announcer, now } = this.#options;
    const names = new Set(registry.rules().map(({ name }) => name));
    const open = (await store.open()).filter((alert) => alert.instance === instance);
    const { alerts = [], orphans = [] } = Object.groupBy(
      open,
      ({ rule }) => names.has(rule) ? "alerts" : "orphans",
    );
    const records = (await store.states(instance)).filter((one) => one.instance === instance);
    const { isUnsaved } = store;
    const gone = replaces ? state.forgetCopies(alerts, { isUnsaved, now: now() }) : [];
    for (const { kind, alert } of gone) announcer.announce(alert, kind, "another");
    for (const { from, alert } of state.adopt(registry.rules(), alerts, records, seenAt)) {
      store.dropAlert(from);
      store.saveAlert(alert);
    }
    const ended = await store.list({ state: "resolved", before: undefined, limit: endedMax });
    announcer.live.republish([
      ...ended.filter((alert) => alert.instance === instance).reverse(),
      ...alerts.map((alert) => announcer.withMutes(alert)),
    ], seenAt);
    return orphans;
  }

  /** Ends alerts that nobody judges any more: channels that know of them are notified. */
  #end(alerts: readonly Alert[]): void {
    if (alerts.length === 0) return;
    const { announcer, now } = this.#options;
    const resolved_at = new Date(now()).toISOString();
    const ended = alerts.map((alert): Alert => ({ ...alert, state: "resolved", resolved_at }));
    for (const alert of ended) announcer.announce(alert, "resolved", "us");
    announcer.notify(ended, this);
  }

  /** Reads what other Holdfasts, or people through them, changed. */
  async #readChanges(leads: boolean): Promise<void> {
    const { store, state, registry, silences, announcer, now } = this.#options;
    const open = await store.open();
    if (!leads) {
      const shared = open.filter(({ instance }) => instance === "");
      const changes = state.follow(registry.rules(), shared, now());
      for (const { kind, alert } of changes) announcer.announce(alert, kind, "another");
    }
    for (const stored of open) this.#readAcknowledgement(stored);
    await silences.refresh();
    await registry.refresh();
  }

  #readAcknowledgement({ id, acknowledged_at, acknowledged_by }: Alert): void {
    const { state, announcer } = this.#options;
    const mine = state.find(id);
    if (!mine || acknowledged_at === null || mine.acknowledged_at !== null) return;
    announcer.acknowledge({ ...mine, acknowledged_at, acknowledged_by });
  }
}
