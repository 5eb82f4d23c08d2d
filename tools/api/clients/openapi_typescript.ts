import createClient from "openapi-fetch";
import type { paths } from "../generated/openapi-typescript/schema.ts";
import { baseUrl, print, ticksOf } from "./report.ts";

const client = createClient<paths>({ baseUrl });
const symbol = "OPENAPI-TYPESCRIPT";
const stored = await client.POST("/api/ticks", {
  params: { query: { create: "true" } },
  body: ticksOf(symbol),
});
const ticks = await client.GET("/api/ticks", { params: { query: { symbol, limit: 10 } } });
const health = await client.GET("/api/health/database");
const made = await client.POST("/api/instruments", { body: { symbol: `${symbol}-2` } });
const missing = await client.GET("/api/instruments/{id}", {
  params: { path: { id: 2_000_000_000 } },
});
print({
  accepted: stored.data?.accepted ?? -1,
  prices: ticks.data?.ticks.map(({ price }) => price) ?? [],
  health: health.data?.overall_status ?? "none",
  pool: health.data?.connection_pool.size ?? -1,
  created: made.data?.symbol ?? "none",
  notFound: missing.error?.code ?? "none",
});
