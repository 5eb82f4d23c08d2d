import { findBySymbol } from "../../db/market/instruments.ts";
import { newestPrices } from "../../db/market/prices.ts";
import type { Pool } from "../../db/pool/pool.ts";
import { HoldfastError } from "../../errors.ts";
import { type Exactness, judgeExactness } from "./exactness.ts";

/** Enough prices to see how an instrument is quoted; reading them takes some milliseconds. */
const sampleMax = 50_000;

export interface ExactnessReport extends Exactness {
  symbol: string;
  from: string | null;
  to: string | null;
}

/** Reports how exactly float8 holds the newest prices of a symbol. */
export function createExactness({ pool }: { pool: Pool }) {
  return {
    async report(symbol: string): Promise<ExactnessReport> {
      const instrument = await pool.run((sql) => findBySymbol(sql, symbol));
      if (!instrument) {
        throw new HoldfastError("not_found", `No instrument has the symbol ${symbol}`);
      }
      const { prices, from, to } = await pool.run((sql) =>
        newestPrices(sql, instrument.id, sampleMax)
      );
      return { symbol, from, to, ...judgeExactness(prices, instrument.tick_size) };
    },
  };
}

export type ExactnessService = ReturnType<typeof createExactness>;
