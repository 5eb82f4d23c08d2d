import type { SymbolEntry } from "../../../db/market/instruments.ts";
import type { StoredTick } from "../../../db/market/ticks.ts";
import { type ParsedTick, type Refusal, refuse, tickToJson } from "../tick.ts";
import { isOnTick } from "./tick_size.ts";

export interface FirewallLimits {
  nowUs: number;
  futureSeconds: number;
  horizonDays: number;
  backfill: boolean;
}

function refuseTick(
  tick: ParsedTick,
  reason: Refusal["reason"],
  path: string,
  message: string,
): Refusal {
  return refuse(tick.line, path, message, tickToJson(tick), reason, false, tick.symbol);
}

/** Returns why a tick that failed the judgement of `judgeTicks` is refused. */
function refusalOf(
  tick: ParsedTick,
  entry: SymbolEntry | undefined,
  latestUs: number,
  earliestUs: number,
  { futureSeconds, horizonDays }: FirewallLimits,
): Refusal {
  const { symbol, price } = tick;
  if (tick.tsUs > latestUs) {
    const message = `ts is more than ${futureSeconds} s ahead of Holdfast's clock`;
    return refuseTick(tick, "future", "ts", message);
  }
  if (tick.tsUs < earliestUs) {
    const message =
      `ts is more than ${horizonDays} days old by Holdfast's clock; send it with ?backfill=true`;
    return refuseTick(tick, "stale", "ts", message);
  }
  if (!entry) {
    const message = `no instrument has the symbol ${symbol}; create it, or send with ?create=true`;
    return refuseTick(tick, "unknown_instrument", "symbol", message);
  }
  if (entry.deleted) {
    return refuseTick(tick, "deleted_instrument", "symbol", `the instrument ${symbol} is deleted`);
  }
  const message =
    `price ${price} is not a multiple of the tick size ${entry.tick_size} of ${symbol}`;
  return refuseTick(tick, "off_tick_size", "price", message);
}

/**
 * Judges well-formed ticks by the clock and their instruments. Writes the instrument's id into each tick that passes,
 * because a copy of every tick would double the garbage of an upload. When all pass, `stored` is `ticks` itself.
 */
export function judgeTicks(
  ticks: readonly ParsedTick[],
  symbols: ReadonlyMap<string, SymbolEntry | undefined>,
  limits: FirewallLimits,
): { stored: readonly StoredTick[]; refusals: Refusal[] } {
  const latestUs = limits.nowUs + limits.futureSeconds * 1_000_000;
  const earliestUs = limits.backfill
    ? -Infinity
    : limits.nowUs - limits.horizonDays * 86_400_000_000;
  let passed: StoredTick[] | undefined;
  const refusals: Refusal[] = [];
  for (let at = 0; at < ticks.length; at++) {
    const tick = ticks[at]!;
    const entry = symbols.get(tick.symbol);
    if (
      tick.tsUs <= latestUs && tick.tsUs >= earliestUs &&
      entry && !entry.deleted &&
      (entry.tick_size === null || isOnTick(tick.price, entry.tick_size))
    ) {
      tick.instrumentId = entry.id;
      passed?.push(tick);
    } else {
      passed ??= ticks.slice(0, at);
      refusals.push(refusalOf(tick, entry, latestUs, earliestUs, limits));
    }
  }
  return { stored: passed ?? ticks, refusals };
}
