import {
  createInstrument,
  getDatabaseHealth,
  getInstrument,
  listTicks,
  storeTicks,
} from "../generated/orval/client.ts";
import { baseUrl, print, ticksOf } from "./report.ts";

// What orval generates asks for paths alone; where they lead is for the surroundings to say.
const fetchOfRuntime = globalThis.fetch;
globalThis.fetch = (input, init) => fetchOfRuntime(new URL(String(input), baseUrl), init);

const symbol = "ORVAL";
const stored = await storeTicks(ticksOf(symbol), { create: "true" });
const ticks = await listTicks({ symbol, limit: 10 });
const health = await getDatabaseHealth();
const made = await createInstrument({ symbol: `${symbol}-2` });
const missing = await getInstrument(2_000_000_000);
print({
  accepted: stored.status === 200 ? stored.data.accepted : -1,
  prices: ticks.status === 200 ? ticks.data.ticks.map(({ price }) => price) : [],
  health: health.status === 200 ? health.data.overall_status : "none",
  pool: health.status === 200 ? health.data.connection_pool.size : -1,
  created: made.status === 201 ? made.data.symbol : "none",
  notFound: missing.status === 404 ? missing.data.code : "none",
});
