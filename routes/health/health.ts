import { createRoute } from "@hono/zod-openapi";
import type { Benchmarks } from "../../services/benchmarks/service.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Feeds } from "../../services/ingest/judge/feeds.ts";
import { checksOf } from "../../services/monitor/health/checks.ts";
import { databaseHealth, partitionsHealth } from "../../services/monitor/health/health.ts";
import { type Check, roleOf } from "../../services/monitor/health/status.ts";
import type { Monitor } from "../../services/monitor/service.ts";
import type { Snapshot, Status } from "../../services/monitor/snapshot.ts";
import { notReadyForWrites } from "../../services/monitor/write_access/health.ts";
import { PerformanceImprovementMetrics } from "../benchmarks/schemas.ts";
import {
  DatabaseHealthResponse,
  FeedsHealthResponse,
  HealthResponse,
  Liveness,
  PartitionHealthResponse,
} from "./schemas.ts";
import type { Rehearsals } from "../../services/rehearsals/service.ts";
import { createRouter, jsonAnswer } from "../common/shared.ts";
import { pageOf, wholeListQuery } from "../common/whole_list.ts";

const tags = ["health"];

const overallRoute = createRoute({
  method: "get",
  path: "/api/health",
  tags,
  operationId: "getHealth",
  summary: "Overall status with the checks behind it",
  description:
    "With Accept: application/health+json, the answer has the form of the IETF health draft.",
  responses: {
    200: jsonAnswer(HealthResponse, "Healthy, degraded or unknown"),
    503: jsonAnswer(HealthResponse, "Unhealthy"),
  },
});

const liveRoute = createRoute({
  method: "get",
  path: "/api/health/live",
  tags,
  operationId: "getLiveness",
  summary: "Liveness of this process; does not read the database",
  responses: { 200: jsonAnswer(Liveness, "The process is alive") },
});

const readyRoute = createRoute({
  method: "get",
  path: "/api/health/ready",
  tags,
  operationId: "getReadiness",
  summary: "Whether requests that need the database can be served",
  responses: {
    200: jsonAnswer(Liveness, "Requests can be served"),
    503: jsonAnswer(Liveness, "Requests cannot be served"),
  },
});

const databaseRoute = createRoute({
  method: "get",
  path: "/api/health/database",
  tags,
  operationId: "getDatabaseHealth",
  summary: "Metrics of the database, with alerts and advice",
  responses: { 200: jsonAnswer(DatabaseHealthResponse, "The last reading, with its age") },
});

const performanceRoute = createRoute({
  method: "get",
  path: "/api/health/performance",
  tags,
  operationId: "getPerformanceHealth",
  "x-problems": ["database_unavailable", "deadline_exceeded"],
  summary: "Effect of each optimisation on this server, as last measured",
  responses: { 200: jsonAnswer(PerformanceImprovementMetrics, "One entry per category") },
});

const partitionsRoute = createRoute({
  method: "get",
  path: "/api/health/partitions",
  tags,
  operationId: "getPartitionHealth",
  summary: "Tables partitioned by range, their partitions and their runway",
  responses: { 200: jsonAnswer(PartitionHealthResponse, "The last reading") },
});

const feedsRoute = createRoute({
  method: "get",
  path: "/api/health/feeds",
  tags,
  operationId: "getFeedHealth",
  summary: "Ticks received, stored and quarantined by feed",
  request: { query: wholeListQuery() },
  responses: {
    200: jsonAnswer(FeedsHealthResponse, "Counters since the start of this process, by symbol"),
  },
});

/** The fast tier reads again within this time, after which an answer of 503 may change. */
const retryAfterSeconds = "5";

/** Limit of feeds in the report on the database. */
const feedsShown = 50;

const ietf: Record<Status, "pass" | "warn" | "fail"> = {
  healthy: "pass",
  degraded: "warn",
  unknown: "warn",
  unhealthy: "fail",
};

/** Returns health in the form of draft-inadarei-api-health-check-06: checks by component. */
function ietfHealth(status: Status, version: string, checks: readonly Check[]) {
  const byName: Record<string, unknown[]> = {};
  for (const check of checks) {
    (byName[`${check.name}:status`] ??= []).push({
      status: ietf[check.status],
      observedValue: check.status,
      time: check.observed_at ?? undefined,
      output: check.status === "healthy" ? undefined : check.detail,
    });
  }
  return { status: ietf[status], version, serviceId: "holdfast", checks: byName };
}

/** Returns why requests cannot be served; undefined when they can. */
function notReady(snapshot: Snapshot, prepared: boolean): string | undefined {
  if (!prepared) return "the database is being prepared";
  if (snapshot.unreachable) return "the database cannot be reached";
  if (snapshot.checkedAt === undefined) return "the database has not been asked yet";
  if (snapshot.ingest.diskFullSince !== undefined) return "the database has no disk space left";
  return notReadyForWrites(snapshot.access);
}

/** Routes of health. They answer from the last snapshot, also while the database is unreachable. */
export function healthRoutes(
  {
    monitor,
    feeds,
    benchmarks,
    rehearsals,
    clock,
    version,
    startedAt,
    isPrepared,
    preparationProblem,
    databaseName,
  }: {
    monitor: Pick<Monitor, "snapshot">;
    feeds: Pick<Feeds, "report">;
    benchmarks: Pick<Benchmarks, "performanceReport">;
    rehearsals: Pick<Rehearsals, "ofAdvice" | "candidates">;
    clock: Clock;
    version: string;
    startedAt: number;
    isPrepared: () => boolean;
    preparationProblem: () => Check | undefined;
    databaseName: string;
  },
) {
  const router = createRouter();

  router.openapi(overallRoute, (c) => {
    const snapshot = monitor.snapshot();
    const unprepared = preparationProblem();
    const checks = unprepared ? [unprepared, ...checksOf(snapshot)] : checksOf(snapshot);
    // The monitor may work while no request is served: the worse status counts.
    const status = unprepared && snapshot.status !== "unhealthy"
      ? unprepared.status
      : snapshot.status;
    const httpStatus = status === "unhealthy" ? 503 : 200;
    if (httpStatus === 503) c.header("Retry-After", retryAfterSeconds);
    if (c.req.header("accept")?.toLowerCase().includes("application/health+json")) {
      c.header("content-type", "application/health+json");
      const body = JSON.stringify(ietfHealth(status, version, checks));
      return c.body(body, httpStatus) as never;
    }
    const { checkedAt, now } = snapshot;
    return c.json({
      status,
      role: roleOf(snapshot),
      mode: snapshot.access.mode,
      version,
      uptime_seconds: (clock.now().getTime() - startedAt) / 1000,
      checked_at: checkedAt === undefined ? null : new Date(checkedAt).toISOString(),
      age_ms: checkedAt === undefined ? null : Math.max(0, now - checkedAt),
      checks,
    }, httpStatus);
  });

  router.openapi(liveRoute, (c) => c.json({ status: "alive" as const, detail: "" }, 200));

  router.openapi(readyRoute, (c) => {
    const snapshot = monitor.snapshot();
    const reason = notReady(snapshot, isPrepared());
    const { mode, reason: why } = snapshot.access;
    if (reason === undefined) {
      const detail = mode === "writing" ? "" : `${why}; what reads is served`;
      return c.json({ status: "ready" as const, mode, detail }, 200);
    }
    c.header("Retry-After", retryAfterSeconds);
    const status = isPrepared() ? "unavailable" as const : "starting" as const;
    return c.json({ status, mode, detail: reason }, 503);
  });

  router.openapi(databaseRoute, (c) => {
    const report = databaseHealth(monitor.snapshot());
    const alerts = report.alerts.map((alert) => ({
      ...alert,
      database: databaseName,
      cure: [...alert.cure],
    }));
    const { since, feeds: shown } = feeds.report(feedsShown);
    const known = new Set(report.recommendations.map(({ id }) => id));
    const proposed = rehearsals.candidates().filter(({ id }) => !known.has(id));
    const recommendations = [...report.recommendations, ...proposed].map((advice) => ({
      ...advice,
      rehearsal: rehearsals.ofAdvice(advice.id),
    }));
    const ingest = { ...report.ingest, since, feeds: shown };
    return c.json({ ...report, ingest, alerts, recommendations }, 200);
  });

  router.openapi(feedsRoute, (c) => {
    const report = feeds.report();
    const { rows, next_cursor } = pageOf(report.feeds, {
      list: "feeds",
      ...c.req.valid("query"),
      keyOf: ({ symbol }) => symbol,
    });
    return c.json({ ...report, feeds: rows, next_cursor }, 200);
  });

  router.openapi(performanceRoute, async (c) => c.json(await benchmarks.performanceReport(), 200));

  router.openapi(partitionsRoute, (c) => c.json(partitionsHealth(monitor.snapshot()), 200));

  return router;
}
