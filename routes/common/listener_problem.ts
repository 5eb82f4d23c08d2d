import type { Logger } from "../../log.ts";
import type { Refuse } from "../../runtime/types.ts";
import { faces } from "./problem.ts";

/** Makes the problems of requests that the listener refuses before they reach a route, numbered and logged like the rest. */
export function refuseAsProblem(log: Logger): Refuse {
  return (code, detail) => {
    const requestId = crypto.randomUUID();
    const [status, title] = faces[code];
    log.info("request_refused", { request_id: requestId, status, code, detail });
    const type = `urn:holdfast:problem:${code}`;
    return {
      status,
      headers: {
        "content-type": "application/problem+json",
        "x-request-id": requestId,
        ...(code === "too_many_connections" ? { "retry-after": "10" } : {}),
      },
      body: JSON.stringify({ type, title, status, code, detail, request_id: requestId }),
    };
  };
}
