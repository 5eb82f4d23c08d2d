/** A tick of the demonstration market. */
export interface DemoTick {
  ts: string;
  symbol: string;
  price: number;
  size: number;
  exchange: string;
  side: string;
}

const listed = [
  { symbol: "AAPL", price: 232.4, weight: 6 },
  { symbol: "MSFT", price: 428.1, weight: 4 },
  { symbol: "NVDA", price: 141.9, weight: 8 },
  { symbol: "AMZN", price: 207.3, weight: 3 },
  { symbol: "SPY", price: 590.5, weight: 10 },
  { symbol: "QQQ", price: 501.2, weight: 5 },
  { symbol: "TSLA", price: 346.0, weight: 5 },
  { symbol: "IBM", price: 214.8, weight: 1 },
];
const exchanges = ["P", "Q", "N", "Z", "K"];
const lots = [1, 10, 25, 50, 100, 100, 100, 200, 300, 500];

/** mulberry32: a small random generator, good enough for a demonstration. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Creates a seeded generator of ticks: liquid symbols trade more often, prices move in cents, trades come in bursts. */
export function createDemoMarket(seed = 7) {
  const random = seededRandom(seed);
  const prices = listed.map(({ price }) => price);
  const totalWeight = listed.reduce((sum, { weight }) => sum + weight, 0);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;

  function pickSymbol(): number {
    let left = random() * totalWeight;
    return Math.max(0, listed.findIndex(({ weight }) => (left -= weight) <= 0));
  }

  return {
    /** Returns about `count` ticks spread over [fromMs, toMs), in order of time. */
    between(fromMs: number, toMs: number, count: number): DemoTick[] {
      const times = Array.from({ length: count }, () => fromMs + random() * (toMs - fromMs)).sort((
        a,
        b,
      ) => a - b);
      return times.map((at) => {
        const index = pickSymbol();
        const before = prices[index] ?? 100;
        const rises = random() < 0.5;
        const cents = Math.floor(random() ** 3 * 5);
        const price = Math.max(
          1,
          Math.round((before + (rises ? cents : -cents) / 100) * 100) / 100,
        );
        prices[index] = price;
        return {
          ts: new Date(Math.floor(at)).toISOString(),
          symbol: listed[index]?.symbol ?? "SPY",
          price,
          size: pick(lots),
          exchange: pick(exchanges),
          side: rises ? "buy" : "sell",
        };
      });
    },
  };
}
