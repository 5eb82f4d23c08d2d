import { client } from "../generated/hey-api/client.gen.ts";
import {
  createInstrument,
  getDatabaseHealth,
  getInstrument,
  listTicks,
  storeTicks,
} from "../generated/hey-api/sdk.gen.ts";
import { baseUrl, print, ticksOf } from "./report.ts";

client.setConfig({ baseUrl });
const symbol = "HEY-API";
const stored = await storeTicks({ query: { create: "true" }, body: ticksOf(symbol) });
const ticks = await listTicks({ query: { symbol, limit: 10 } });
const health = await getDatabaseHealth();
const made = await createInstrument({ body: { symbol: `${symbol}-2` } });
const missing = await getInstrument({ path: { id: 2_000_000_000 } });
print({
  accepted: stored.data?.accepted ?? -1,
  prices: ticks.data?.ticks.map(({ price }) => price) ?? [],
  health: health.data?.overall_status ?? "none",
  pool: health.data?.connection_pool.size ?? -1,
  created: made.data?.symbol ?? "none",
  notFound: missing.error?.code ?? "none",
});
