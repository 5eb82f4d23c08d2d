import { createClient } from "../client/client.ts";
import { messageOf } from "../errors.ts";
import { createDemoMarket, type DemoTick } from "../services/transfer/demo_market.ts";
import { readArguments, refusePositionals } from "./common/arguments.ts";
import { type CommandContext, serve, type Serving } from "./serve.ts";

const help = `deno task demo [--force]     serves a demonstration with generated ticks

A database of your own (DATABASE_URL) that already has instruments gets no generated ticks, unless --force is given.`;

const historyMs = 90 * 60_000;
const historyTicks = 200_000;
const tickMs = 250;
const ticksPerSecond = 40;

/** Runs `deno task demo`: serves, and sends generated ticks to its own API. */
export async function demo(context: CommandContext, args: string[]): Promise<number> {
  const { log, config } = context;
  const { values, positionals } = readArguments("demo", args, { force: { type: "boolean" } });
  if (values.help) {
    console.log(help);
    return 0;
  }
  refusePositionals("demo", positionals);
  const clientOf = ({ holdfast, url }: Serving) =>
    createClient({
      baseUrl: url,
      token: config.HOLDFAST_TOKEN,
      fetch: async (request) => await holdfast.handle(request),
      retry: { tries: 1 },
    });

  /** Says whether the database has instruments: generated ticks could not be separated from real ones. */
  async function isTaken(serving: Serving): Promise<boolean> {
    if (!config.DATABASE_URL || values.force) return false;
    const list = await clientOf(serving).listInstruments({ query: { limit: 1 } })
      .catch(() => undefined);
    return list?.instruments.length !== 0;
  }

  async function feed(serving: Serving, signal: AbortSignal): Promise<void> {
    if (await isTaken(serving)) {
      log.warn("demo_sends_nothing", {
        reason:
          "the database of DATABASE_URL already has instruments; --force sends generated ticks anyway",
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
