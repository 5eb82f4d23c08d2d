import type { MinuteCandle } from "../../db/market/candles.ts";
import type { StoredTick } from "../../db/market/ticks.ts";

const minuteUs = 60_000_000;

/** Folds ticks into minute candles; open and close follow (time, arrival), as the database's merge does. */
export function createCandleBuilder() {
  const byInstrument = new Map<number, Map<number, MinuteCandle>>();
  let count = 0;

  function start(tick: StoredTick, minute: number, seq: bigint): MinuteCandle {
    return {
      instrumentId: tick.instrumentId,
      tsUs: minute * minuteUs,
      open: tick.price,
      high: tick.price,
      low: tick.price,
      close: tick.price,
      volume: tick.size,
      trades: 1,
      openTsUs: tick.tsUs,
      openSeq: seq,
      closeTsUs: tick.tsUs,
      closeSeq: seq,
    };
  }

  return {
    get count(): number {
      return count;
    },
    /** Adds ticks in order of arrival; the i-th of them arrived as number `seqBase + i`. */
    add(ticks: readonly StoredTick[], seqBase: bigint): void {
      let index = 0;
      for (const tick of ticks) {
        const at = index++;
        const minute = Math.floor(tick.tsUs / minuteUs);
        let minutes = byInstrument.get(tick.instrumentId);
        if (!minutes) byInstrument.set(tick.instrumentId, minutes = new Map());
        const candle = minutes.get(minute);
        if (!candle) {
          minutes.set(minute, start(tick, minute, seqBase + BigInt(at)));
          count++;
          continue;
        }
        if (tick.price > candle.high) candle.high = tick.price;
        if (tick.price < candle.low) candle.low = tick.price;
        candle.volume += tick.size;
        candle.trades++;
        if (tick.tsUs < candle.openTsUs) {
          candle.open = tick.price;
          candle.openTsUs = tick.tsUs;
          candle.openSeq = seqBase + BigInt(at);
        }
        if (tick.tsUs >= candle.closeTsUs) {
          candle.close = tick.price;
          candle.closeTsUs = tick.tsUs;
          candle.closeSeq = seqBase + BigInt(at);
        }
      }
    },
    /** Hands out the candles, sorted as `mergeCandles` wants them, and starts anew. */
    take(): MinuteCandle[] {
      const candles = [...byInstrument.values()].flatMap((minutes) => [...minutes.values()]);
      byInstrument.clear();
      count = 0;
      return candles.sort((a, b) => a.instrumentId - b.instrumentId || a.tsUs - b.tsUs);
    },
  };
}
