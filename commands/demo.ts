import { messageOf } from "../errors.ts";
import { createDemoMarket, type DemoTick } from "../services/demo.ts";
import { type CommandContext, serve, type Serving } from "./serve.ts";

const historyMs = 90 * 60_000;
const historyTicks = 200_000;
const tickMs = 250;
const ticksPerSecond = 40;

/** `deno task demo`: serves, and feeds itself a market through its own front door. */
export function demo(context: CommandContext): Promise<number> {
  const { log, config } = context;

  async function feed({ holdfast, url }: Serving, signal: AbortSignal): Promise<void> {
    const market = createDemoMarket();
    const send = async (ticks: DemoTick[]) => {
      const response = await holdfast.handle(
        new Request(`${url}/api/ticks?create=true`, {
          method: "POST",
          headers: {
            "content-type": "application/x-ndjson",
            ...(config.HOLDFAST_TOKEN ? { authorization: `Bearer ${config.HOLDFAST_TOKEN}` } : {}),
          },
          body: ticks.map((tick) => JSON.stringify(tick)).join("\n"),
        }),
      );
      if (!response.ok) log.warn("demo_ticks_refused", { status: response.status });
      await response.body?.cancel();
    };
    let at = Date.now() - historyMs;
    await send(market.between(at, Date.now(), historyTicks));
    at = Date.now();
    log.info("demo_running", { ticks_per_second: ticksPerSecond });
    while (!signal.aborted) {
      await new Promise((done) => setTimeout(done, tickMs));
      const now = Date.now();
      const burst = 0.3 + Math.random() * 1.4;
      await send(market.between(at, now, Math.ceil((now - at) / 1000 * ticksPerSecond * burst)))
        .catch((error) => log.warn("demo_ticks_refused", { error: messageOf(error) }));
      at = now;
    }
  }

  return serve(context, feed);
}
