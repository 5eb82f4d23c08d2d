import { Api } from "../generated/swagger-typescript-api/client.ts";
import { baseUrl, print, ticksOf } from "./report.ts";

const { api } = new Api({ baseUrl });
const symbol = "SWAGGER-TYPESCRIPT-API";
const stored = await api.storeTicks(ticksOf(symbol), { create: "true" });
const ticks = await api.listTicks({ symbol, limit: 10 });
const health = await api.getDatabaseHealth();
const made = await api.createInstrument({ symbol: `${symbol}-2` });
// It throws what is no success.
const missing: unknown = await api.getInstrument(2_000_000_000).catch((answer) => answer);
print({
  accepted: stored.data.accepted,
  prices: ticks.data.ticks.map(({ price }) => price),
  health: health.data.overall_status,
  pool: health.data.connection_pool.size,
  created: made.data.symbol,
  notFound: (missing as { error: { code: string } }).error.code,
});
