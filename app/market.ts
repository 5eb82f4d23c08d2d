import { createFeeds, type Feeds } from "../services/ingest/judge/feeds.ts";
import { createIngest, type Ingest } from "../services/ingest/service.ts";
import { createQuarantine, type Quarantine } from "../services/ingest/judge/quarantine.ts";
import { createSymbolDirectory } from "../services/ingest/judge/symbols.ts";
import { type CandleRebuild, createCandleRebuild } from "../services/market/candle_rebuild.ts";
import { createExactness, type ExactnessService } from "../services/market/exactness_report.ts";
import { createInstruments, type Instruments } from "../services/market/instruments.ts";
import { createReads, type MarketReads } from "../services/market/reads/service.ts";
import { createMarket, type Market } from "../services/market/service.ts";
import { createElapsedTime } from "../lib/clock.ts";
import type { Foundation } from "./foundation.ts";
import type { PartitionServices } from "./partitions.ts";

export interface MarketServices {
  ingest: Ingest;
  feeds: Feeds;
  quarantine: Quarantine;
  market: Market;
  /** Where reads of market data go. */
  reads: MarketReads;
  candleRebuild: CandleRebuild;
  instruments: Instruments;
  exactness: ExactnessService;
}

/** Makes the services that write and read market data. */
export function composeMarket(
  { config, clock, pools, standbys, log }: Foundation,
  { catalogue, rotation }: Pick<PartitionServices, "catalogue" | "rotation">,
): MarketServices {
  const directory = createSymbolDirectory();
  const feeds = createFeeds({ clock });
  const { streams, groups, app: pool } = pools;
  const ingest = createIngest({ streams, groups, rotation, directory, feeds, config, clock });
  const reads = createReads({
    pool,
    polls: pools.records,
    standbys,
    boundMs: config.HOLDFAST_READ_STALENESS_SECONDS * 1_000,
    now: createElapsedTime(),
    log,
  });
  return {
    ingest,
    feeds,
    quarantine: createQuarantine({ pool, ingest, config }),
    market: createMarket({ reads }),
    reads,
    candleRebuild: createCandleRebuild({ pool, catalogue }),
    instruments: createInstruments({ pool, onChange: () => directory.forget() }),
    exactness: createExactness({ pool }),
  };
}
