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

/**
 * Judges well-formed ticks against the clock and the instruments. Those that pass get their instrument written into
 * them: a copy of every tick would double what an upload leaves to the garbage collector.
 */
export function judgeTicks(
  ticks: readonly ParsedTick[],
  symbols: ReadonlyMap<string, SymbolEntry | undefined>,
  limits: FirewallLimits,
): { stored: StoredTick[]; refusals: Refusal[] } {
  const latest = limits.nowUs + limits.futureSeconds * 1_000_000;
  const earliest = limits.backfill ? -Infinity : limits.nowUs - limits.horizonDays * 86_400_000_000;
  const stored: StoredTick[] = [];
  const refusals: Refusal[] = [];
  for (const tick of ticks) {
    const entry = symbols.get(tick.symbol);
    if (tick.tsUs > latest) {
      refusals.push(
        refuseTick(
          tick,
          "future",
          "ts",
          `ts is more than ${limits.futureSeconds} s ahead of Holdfast's clock`,
        ),
      );
    } else if (tick.tsUs < earliest) {
      refusals.push(
        refuseTick(
          tick,
          "stale",
          "ts",
          `ts is more than ${limits.horizonDays} days old by Holdfast's clock; send it with ?backfill=true`,
        ),
      );
    } else if (!entry) {
      refusals.push(
        refuseTick(
          tick,
          "unknown_instrument",
          "symbol",
          `no instrument has the symbol ${tick.symbol}; create it, or send with ?create=true`,
        ),
      );
    } else if (entry.deleted) {
      refusals.push(
        refuseTick(
          tick,
          "deleted_instrument",
          "symbol",
          `the instrument ${tick.symbol} is deleted`,
        ),
      );
    } else if (entry.tick_size !== null && !isOnTick(tick.price, entry.tick_size)) {
      refusals.push(
        refuseTick(
          tick,
          "off_tick_size",
          "price",
          `price ${tick.price} is no multiple of the tick size ${entry.tick_size} of ${tick.symbol}`,
        ),
      );
    } else {
      tick.instrumentId = entry.id;
      stored.push(tick);
    }
  }
  return { stored, refusals };
}
