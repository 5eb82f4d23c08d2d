import { systemTimers } from "../lib/clock.ts";
import { type Audit, createAudit } from "../services/auth/audit.ts";
import { type Auth, createAuth, settingTokens } from "../services/auth/service.ts";
import { createRequestKeys, type RequestKeys } from "../services/requests/keys.ts";
import { createOperations, type Operations } from "../services/requests/operations.ts";
import type { Foundation } from "./foundation.ts";

export interface RequestServices {
  auth: Auth;
  audit: Audit;
  requestKeys: RequestKeys;
  operations: Operations;
}

/** Makes the services that every request may need: access, audit, idempotency keys and long operations. */
export function composeRequests(
  { config, clock, log, pools, access }: Foundation,
  instance: string,
): RequestServices {
  return {
    auth: createAuth({
      settings: settingTokens(config),
      dataDir: config.HOLDFAST_DATA_DIR,
      clock,
      timers: systemTimers,
      log,
    }),
    audit: createAudit({
      pool: pools.maintenance,
      access,
      instance,
      days: config.HOLDFAST_AUDIT_DAYS,
      rowsMax: config.HOLDFAST_AUDIT_ROWS_MAX,
      clock,
      log,
    }),
    requestKeys: createRequestKeys({ pool: pools.app, log }),
    operations: createOperations({ pool: pools.app, clock, log }),
  };
}
