import { createClient } from "../client/client.ts";
import { messageOf } from "../errors.ts";
import { createDemoMarket, type DemoTick } from "../services/transfer/demo_feed.ts";
import { readArguments } from "./common/arguments.ts";
import { type CommandContext, serve, type Serving } from "./serve.ts";

const help = `deno task demo [--force]     serves, and feeds itself a made-up market

Into a database of yours (DATABASE_URL) that has instruments already nothing is fed, unless --force says so.`;

const historyMs = 90 * 60_000;
const historyTicks = 200_000;
const tickMs = 250;
const ticksPerSecond = 40;

/** `deno task demo`: serves, and feeds itself a market through its own front door. */
export async function demo(context: CommandContext, args: string[]): Promise<number> {
  const { log, config } = context;
  const { values } = readArguments("demo", args, { force: { type: "boolean" } });
  if (values.help) {
    console.log(help);
    return 0;
  }
  const clientOf = ({ holdfast, url }: Serving) =>
    createClient({
      baseUrl: url,
      token: config.HOLDFAST_TOKEN,
      fetch: async (request) => await holdfast.handle(request),
      retry: { tries: 1 },
    });

  /** Made-up ticks among real ones could not be told apart again. */
  async function isTaken(serving: Serving): Promise<boolean> {
    if (!config.DATABASE_URL || values.force) return false;
    const list = await clientOf(serving).listInstruments({ query: { limit: 1 } })
      .catch(() => undefined);
    return list?.instruments.length !== 0;
  }

  async function feed(serving: Serving, signal: AbortSignal): Promise<void> {
    if (await isTaken(serving)) {
      log.warn("demo_feeds_nothing", {
        reason:
          "the database of DATABASE_URL has instruments already; --force feeds it all the same",
      });
      return;
    }
    const market = createDemoMarket();
    const client = clientOf(serving);
    const send = async (ticks: DemoTick[]) => {
      const body = ticks.map((tick) => JSON.stringify(tick)).join("\n");
      await client.storeTicks({ query: { create: true }, type: "application/x-ndjson", body })
        .catch((error) => log.warn("demo_ticks_refused", { error: messageOf(error) }));
    };
    let at = Date.now() - historyMs;
    await send(market.between(at, Date.now(), historyTicks));
    at = Date.now();
    log.info("demo_running", { ticks_per_second: ticksPerSecond });
    while (!signal.aborted) {
      await new Promise((done) => setTimeout(done, tickMs));
      const now = Date.now();
      const burst = 0.3 + Math.random() * 1.4;
      await send(market.between(at, now, Math.ceil((now - at) / 1000 * ticksPerSecond * burst)));
      at = now;
    }
  }

  return await serve(context, feed);
}
