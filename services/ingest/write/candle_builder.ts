import type { MinuteCandle } from "../../../db/market/candles.ts";
import type { StoredTick } from "../../../db/market/ticks.ts";

const minuteUs = 60_000_000;

interface Minutes {
  byMinute: Map<number, MinuteCandle>;
  /** The candle used last: most ticks belong to the same minute as the tick before. */
  last: MinuteCandle | undefined;
}

/** Folds ticks into minute candles. Open and close are ordered by (time, arrival), as in `mergeCandles`. */
export function createCandleBuilder() {
  const byInstrument = new Map<number, Minutes>();
  let count = 0;

  function start(tick: StoredTick, tsUs: number, base: bigint, at: number): MinuteCandle {
    count++;
    return {
      instrumentId: tick.instrumentId,
      tsUs,
      open: tick.price,
      high: tick.price,
      low: tick.price,
      close: tick.price,
      volume: tick.size,
      trades: 1,
      openTsUs: tick.tsUs,
      openBase: base,
      openAt: at,
      closeTsUs: tick.tsUs,
      closeBase: base,
      closeAt: at,
    };
  }

  function fold(candle: MinuteCandle, tick: StoredTick, base: bigint, at: number): void {
    if (tick.price > candle.high) candle.high = tick.price;
    if (tick.price < candle.low) candle.low = tick.price;
    candle.volume += tick.size;
    candle.trades++;
    if (tick.tsUs < candle.openTsUs) {
      candle.open = tick.price;
      candle.openTsUs = tick.tsUs;
      candle.openBase = base;
      candle.openAt = at;
    }
    if (tick.tsUs >= candle.closeTsUs) {
      candle.close = tick.price;
      candle.closeTsUs = tick.tsUs;
      candle.closeBase = base;
      candle.closeAt = at;
    }
  }

  return {
    get count(): number {
      return count;
    },
    /** Adds ticks in order of arrival; tick i has the arrival number `base + i`. */
    add(ticks: readonly StoredTick[], base: bigint): void {
      let at = 0;
      for (const tick of ticks) {
        let minutes = byInstrument.get(tick.instrumentId);
        if (!minutes) {
          minutes = { byMinute: new Map(), last: undefined };
          byInstrument.set(tick.instrumentId, minutes);
        }
        const tsUs = tick.tsUs - tick.tsUs % minuteUs;
        const candle = minutes.last?.tsUs === tsUs ? minutes.last : minutes.byMinute.get(tsUs);
        if (candle) fold(candle, tick, base, at);
        else minutes.byMinute.set(tsUs, start(tick, tsUs, base, at));
        minutes.last = candle;
        at++;
      }
    },
    /** Returns the candles in the order that `mergeCandles` needs, and removes them. */
    take(): MinuteCandle[] {
      const candles: MinuteCandle[] = [];
      for (const { byMinute } of byInstrument.values()) candles.push(...byMinute.values());
      byInstrument.clear();
      count = 0;
      return candles.sort((a, b) => a.instrumentId - b.instrumentId || a.tsUs - b.tsUs);
    },
  };
}
