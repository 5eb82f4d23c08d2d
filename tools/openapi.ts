import { stringify } from "yaml";
import { createApp, type Services } from "../app/http.ts";
import { readConfig } from "../config/config.ts";
import denoConfig from "../deno.json" with { type: "json" };
import { createLogger } from "../log.ts";
import { systemClock } from "../lib/clock.ts";

/** The OpenAPI document as YAML: the routes are built, nothing is started and no service is asked. */
export function renderOpenApi(): string {
  const unasked = new Proxy({}, {
    get: () => () => {
      throw new Error("the document is generated without services");
    },
  });
  const services = {
    ...Object.fromEntries(
      [
        "ingest",
        "market",
        "instruments",
        "exactness",
        "alerts",
        "benchmarks",
        "hub",
        "relay",
        "instances",
      ].map((
        name,
      ) => [name, unasked]),
    ),
    monitor: { history: unasked },
    auth: { required: false },
    clock: systemClock,
    databaseName: "default",
    members: { several: false, list: () => [] },
    isPrepared: () => false,
    preparationProblem: () => undefined,
  } as unknown as Services;
  const { document } = createApp({
    services,
    config: readConfig({}),
    log: createLogger({ level: "error" }),
    upgrade: () => {
      throw new Error("the document is generated without sockets");
    },
    version: denoConfig.version,
  });
  return "# Generated from the routes by `deno task openapi`; do not edit.\n" +
    stringify(document, { lineWidth: 100, aliasDuplicateObjects: false });
}

if (import.meta.main) {
  await Deno.writeTextFile(new URL("../openapi.yaml", import.meta.url), renderOpenApi());
}
