import type { OpenAPIHono } from "@hono/zod-openapi";
import { getPath } from "hono/utils/url";
import type { Config } from "../config/config.ts";
import { mountGuards } from "./guards.ts";
import { createRequestScope, type RequestScope } from "../lib/request_scope.ts";
import type { Logger } from "../log.ts";
import { auditRoutes } from "../routes/auth/audit.ts";
import { sessionRoutes } from "../routes/auth/session.ts";
import { tokenRoutes } from "../routes/auth/tokens.ts";
import { alertChannelRoutes } from "../routes/alerts/channels.ts";
import { alertRehearsalRoutes } from "../routes/alerts/rehearsal.ts";
import { alertSilenceRoutes } from "../routes/alerts/silences.ts";
import { alertRoutes } from "../routes/alerts/alerts.ts";
import { backupRoutes } from "../routes/backups/backups.ts";
import { benchmarkRoutes } from "../routes/benchmarks/benchmarks.ts";
import { candleRoutes } from "../routes/market/candles.ts";
import { changeRoutes } from "../routes/monitor/changes.ts";
import { conversionRoutes } from "../routes/partitions/conversions.ts";
import { diagnosisRoutes } from "../routes/monitor/diagnosis.ts";
import { openApiDocument } from "../routes/common/document.ts";
import { exactnessRoutes } from "../routes/market/exactness.ts";
import { expositionRoutes } from "../routes/monitor/exposition.ts";
import { healthRoutes } from "../routes/health/health.ts";
import { incidentRoutes } from "../routes/monitor/incidents.ts";
import { databaseRoutes } from "../routes/databases/databases.ts";
import { instanceRoutes } from "../routes/live/instances.ts";
import { instrumentRoutes } from "../routes/market/instruments.ts";
import { refuseAsProblem } from "../routes/common/listener_problem.ts";
import { type LiveRoutes, liveRoutes } from "../routes/live/live.ts";
import { metricRoutes } from "../routes/monitor/metrics.ts";
import { pageRoutes } from "../routes/pages/pages.ts";
import { answerProblem } from "../routes/common/problem.ts";
import { answerUnknown } from "../routes/common/unknown.ts";
import { operationRoutes } from "../routes/common/operations.ts";
import { partitionProofRoutes } from "../routes/partitions/proofs.ts";
import { partitionRoutes } from "../routes/partitions/partitions.ts";
import { RememberingRouter } from "../routes/common/remembering_router.ts";
import { rehearsalRoutes } from "../routes/rehearsals/rehearsals.ts";
import { quarantineRoutes } from "../routes/ticks/quarantine.ts";
import { securityHeaders } from "../routes/auth/security.ts";
import { settingRoutes } from "../routes/monitor/settings.ts";
import { statementRoutes } from "../routes/monitor/statements.ts";
import { type AppEnv, createRouter } from "../routes/common/shared.ts";
import { tickRoutes } from "../routes/ticks/ticks.ts";
import type { ListenerLimits, ServeOptions, Upgrade } from "../runtime/types.ts";
import type { Audit } from "../services/auth/audit.ts";
import type { Auth } from "../services/auth/service.ts";
import type { Alerts } from "../services/alerts/service.ts";
import type { Backups } from "../services/backups/service.ts";
import type { Benchmarks } from "../services/benchmarks/service.ts";
import type { Clock } from "../lib/clock.ts";
import type { Hub } from "../services/live/hub.ts";
import type { Relay } from "../services/live/relay.ts";
import type { Feeds } from "../services/ingest/judge/feeds.ts";
import type { Ingest } from "../services/ingest/service.ts";
import type { Quarantine } from "../services/ingest/judge/quarantine.ts";
import type { Instances } from "../services/live/instances.ts";
import type { Instruments } from "../services/market/instruments.ts";
import type { ExactnessService } from "../services/market/exactness_report.ts";
import type { CandleRebuild } from "../services/market/candle_rebuild.ts";
import type { Market } from "../services/market/service.ts";
import type { DatabaseMembers } from "../services/databases/members.ts";
import type { Check } from "../services/monitor/health/status.ts";
import type { Changes } from "../services/monitor/diagnosis/changes.ts";
import type { Incidents } from "../services/monitor/incidents/incidents.ts";
import { sampleReader } from "../services/monitor/history/history.ts";
import type { Monitor } from "../services/monitor/service.ts";
import type { Conversions } from "../services/partitions/rewrite/service.ts";
import type { Archives } from "../services/partitions/archive/restore.ts";
import type { Policies } from "../services/partitions/policy_service.ts";
import type { Rotation } from "../services/partitions/rotation.ts";
import type { Verifications } from "../services/partitions/sealing/service.ts";
import type { EventLoopWatch } from "../services/monitor/collect/event_loop.ts";
import type { Operations } from "../services/requests/operations.ts";
import type { RequestKeys } from "../services/requests/keys.ts";
import type { RequestLog } from "../services/requests/request_log.ts";
import type { Rehearsals } from "../services/rehearsals/service.ts";
import type { Planner } from "../services/monitor/statements/planner.ts";
import type { Sessions } from "../services/monitor/diagnosis/sessions.ts";
import type { WriteAccess } from "../services/monitor/write_access/access.ts";

/** All that the routes speak to. */
export interface Services {
  ingest: Ingest;
  feeds: Feeds;
  quarantine: Quarantine;
  market: Market;
  candleRebuild: CandleRebuild;
  instruments: Instruments;
  exactness: ExactnessService;
  monitor: Monitor;
  incidents: Incidents;
  changes: Pick<Changes, "between" | "note">;
  policies: Policies;
  verifications: Verifications;
  archives: Archives;
  rotation: Pick<Rotation, "plan" | "apply">;
  conversions: Conversions;
  sessions: Sessions;
  planner: Planner;
  alerts: Alerts;
  backups: Backups;
  benchmarks: Benchmarks;
  rehearsals: Rehearsals;
  hub: Hub;
  relay: Relay;
  instances: Instances;
  eventLoop: Pick<EventLoopWatch, "lag">;
  auth: Auth;
  audit: Audit;
  requestKeys: RequestKeys;
  requestLog: RequestLog;
  operations: Operations;
  /** Whether the server takes writes, and why not. */
  writeAccess: WriteAccess;
  clock: Clock;
  /** Whether the database has been migrated and may be asked. */
  isPrepared: () => boolean;
  /** What keeps the database from being ready, as a check; undefined once it is. */
  preparationProblem: () => Check | undefined;
  /** The name of the database that paths without a name are about. */
  databaseName: string;
  /** The databases of this process. */
  members: DatabaseMembers;
}

export interface App {
  /** Answers a request that came from the address `remote`. */
  handle(request: Request, remote?: string, path?: string): Response | Promise<Response>;
  /** How the listener bounds requests, and answers those that it does not hand on. */
  listening: Pick<ServeOptions, "headers" | "limits" | "refuse">;
  document: ReturnType<typeof openApiDocument>;
  live: LiveRoutes;
}

/** Beyond the deadline of an upload, which answers by itself. */
const requestGraceSeconds = 300;

function listenerLimits(config: Config): ListenerLimits {
  const { HOLDFAST_INGEST_DEADLINE_SECONDS: uploadSeconds } = config;
  return {
    headMs: config.HOLDFAST_HEADER_SECONDS * 1000,
    idleMs: config.HOLDFAST_IDLE_SECONDS * 1000,
    requestMs: (config.HOLDFAST_REQUEST_SECONDS ?? uploadSeconds + requestGraceSeconds) * 1000,
    connectionsMax: config.HOLDFAST_CONNECTIONS_MAX,
    connectionsPerAddressMax: config.HOLDFAST_CONNECTIONS_PER_ADDRESS_MAX,
  };
}

function mountApi(
  router: OpenAPIHono<AppEnv>,
  services: Services,
  config: Config,
  version: string,
  log: Logger,
): void {
  const startedAt = services.clock.now().getTime();
  const routers = [
    healthRoutes({ ...services, version, startedAt }),
    tickRoutes({ ...services, config }),
    candleRoutes(services),
    instanceRoutes(services),
    databaseRoutes(services),
    instrumentRoutes(services),
    exactnessRoutes(services),
    quarantineRoutes(services),
    partitionRoutes(services),
    conversionRoutes(services),
    partitionProofRoutes(services),
    alertRoutes(services),
    alertSilenceRoutes(services),
    alertChannelRoutes(services),
    alertRehearsalRoutes({ ...services, samples: sampleReader(services.monitor.history) }),
    diagnosisRoutes(services),
    statementRoutes(services),
    changeRoutes(services),
    incidentRoutes(services),
    metricRoutes(services),
    expositionRoutes({ ...services, version, startedAt }),
    backupRoutes(services),
    benchmarkRoutes(services.benchmarks),
    sessionRoutes({ ...services, log }),
    tokenRoutes(services),
    auditRoutes(services),
    operationRoutes(services),
    rehearsalRoutes(services),
    settingRoutes({ config }),
  ];
  for (const routes of routers) router.route("/", routes);
}

/** Builds the HTTP face of the services: guards, routes, problems. Starts nothing. */
export function createApp(
  { services, scope = createRequestScope(), config, log, upgrade, version }: {
    services: Services;
    /** Of the pools of `services`; without it, nothing ends with its request. */
    scope?: RequestScope;
    config: Config;
    log: Logger;
    upgrade: Upgrade;
    version: string;
  },
): App {
  const router = createRouter({
    router: new RememberingRouter(),
    // A path below the name of one database is served as if it were the only one.
    getPath: (request, options) => (options?.env as AppEnv["Bindings"])?.path ?? getPath(request),
  });
  const live = liveRoutes({
    hub: services.hub,
    auth: services.auth,
    clock: services.clock,
    upgrade,
    clientsMax: config.HOLDFAST_WS_CLIENTS_MAX,
    clientsPerAddressMax: config.HOLDFAST_WS_CLIENTS_PER_ADDRESS_MAX,
    catchUp: services.relay.catchUp,
    bufferMax: config.HOLDFAST_WS_BUFFER_BYTES,
    version,
  });

  mountGuards(router, { services, scope, config, log, document: () => document });
  mountApi(router, services, config, version, log);
  router.route("/", live.router);
  router.route("/", pageRoutes());
  const document = openApiDocument(router, version);
  router.get("/openapi.json", (c) => c.json(document));

  router.notFound(answerUnknown(log));
  router.onError((error, c) => answerProblem(error, c, log));
  return {
    handle: (request, remote = "", path) =>
      router.fetch(request, path === undefined ? { remote } : { remote, path }),
    listening: {
      headers: securityHeaders,
      limits: listenerLimits(config),
      refuse: refuseAsProblem(log),
    },
    document,
    live,
  };
}
