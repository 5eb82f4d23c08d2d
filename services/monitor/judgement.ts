import type { Tier } from "../../db/collectors/collector.ts";
import type { Logger } from "../../log.ts";
import type { Clock } from "../../lib/clock.ts";
import { curesFor, evidenceFor } from "../alerts/rules/explain.ts";
import type { Alerts } from "../alerts/service.ts";
import type { Publisher } from "../live/hub.ts";
import { createPartitionCures } from "../partitions/report/cure.ts";
import type { TableReading } from "../partitions/report/report.ts";
import type { MonitorConfig } from "./collect/tiers.ts";
import { databasePerformance } from "./health/health.ts";
import { completeMetrics, metricValues } from "./health/metric_values.ts";
import type { History } from "./history/history.ts";
import { samplesOf } from "./history/sampling.ts";
import type { Incidents } from "./incidents/incidents.ts";
import { signals } from "./signals/list.ts";
import { completeSignals, readLeftOut } from "./signals/signal.ts";
import type { Snapshot, Status } from "./snapshot.ts";

/**
 * Returns a function that judges the present snapshot after a run of a tier: rules, history and incidents see it, and a
 * change of the overall status is logged and published.
 */
export function createJudge(
  { snapshot, tables, alerts, history, incidents, hub, config, clock, log }: {
    snapshot: () => Snapshot;
    tables: () => readonly TableReading[];
    alerts: Pick<Alerts, "evaluate">;
    history: Pick<History, "add">;
    incidents: Pick<Incidents, "observe">;
    hub: Publisher;
    config: MonitorConfig;
    clock: Clock;
    log: Logger;
  },
): (tier: Tier) => void {
  const partitionCure = createPartitionCures();
  let lastStatus: Status | undefined;

  function evaluateRules(now: Snapshot): void {
    const context = {
      nowUs: BigInt(clock.now().getTime()) * 1_000n,
      maxPartitions: config.HOLDFAST_MAX_PARTITIONS,
      horizonDays: config.HOLDFAST_BACKFILL_HORIZON_DAYS,
    };
    const leftOut = readLeftOut(signals, now.view)
      .map(({ name, scope, value }) => ({ metric: name, scope, value }));
    alerts.evaluate([...metricValues(now), ...leftOut], {
      evidence: (rule, scope) => evidenceFor(rule, scope, now),
      cure: (rule, scope) =>
        partitionCure(rule.name, scope, tables(), context) ?? curesFor(rule, scope, now.view),
    }, completeMetrics(now, completeSignals(signals, now.view)));
  }

  return (tier) => {
    evaluateRules(snapshot());
    // Alerts are part of a snapshot: this one has those that have just changed.
    const judged = snapshot();
    history.add(samplesOf(judged, tier));
    incidents.observe(judged);
    if (lastStatus !== undefined && judged.status !== lastStatus) {
      log.info("status_changed", { from: lastStatus, to: judged.status });
      hub.publish("database_performance", databasePerformance(judged));
    }
    lastStatus = judged.status;
  };
}
