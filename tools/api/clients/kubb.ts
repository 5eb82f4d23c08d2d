import { createInstrument } from "../generated/kubb/clients/createInstrument.ts";
import { getDatabaseHealth } from "../generated/kubb/clients/getDatabaseHealth.ts";
import { getInstrument } from "../generated/kubb/clients/getInstrument.ts";
import { listTicks } from "../generated/kubb/clients/listTicks.ts";
import { storeTicks } from "../generated/kubb/clients/storeTicks.ts";
import { problemSchema } from "../generated/kubb/zod/problemSchema.ts";
import { fetch, type ResponseConfig, setConfig } from "../generated/kubb/.kubb/fetch.ts";
import { baseUrl, print, ticksOf } from "./report.ts";

// Its answers are validated by zod, as the document has them; types of bodies are for the caller to name.
setConfig({ baseURL: baseUrl, headers: { "content-type": "application/json" } });
const symbol = "KUBB";
const stored = await storeTicks(ticksOf(symbol), { create: "true" });
const ticks = await listTicks({ symbol, limit: 10 });
const health = await getDatabaseHealth();
const made = await createInstrument({ symbol: `${symbol}-2` });
// A problem is no instrument: the client given sees what came.
let answer: ResponseConfig<unknown> | undefined;
await getInstrument(2_000_000_000, undefined, {
  client: async (config) => {
    const came = await fetch<never>(config as never);
    answer = came;
    return came;
  },
}).catch(() => {});
print({
  accepted: stored.accepted,
  prices: ticks.ticks.map(({ price }) => price),
  health: health.overall_status,
  pool: health.connection_pool.size,
  created: made.symbol,
  notFound: problemSchema.parse(answer?.data).code,
});
