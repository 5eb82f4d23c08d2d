import type { DateOrder, TimeUnit } from "./times.ts";

export const fieldNames = [
  "ts",
  "symbol",
  "price",
  "size",
  "exchange",
  "side",
  "trade_id",
] as const;
export type Field = (typeof fieldNames)[number];
export const requiredFields: readonly Field[] = ["ts", "symbol", "price", "size"];

/** A rule by which a file holds a field. */
export interface FieldRule {
  /** Names of columns; several are joined with a space, or combined. */
  columns: readonly string[];
  /** How to combine several numbers. */
  combine?: "mean" | "sum";
  /** For `ts`: the units that numbers may count. */
  units?: readonly TimeUnit[];
  /** For `ts`: the zone of times without an offset. */
  zone?: string;
  /** Meanings of the values, in lower case; null for unknown. Other values are refused. */
  values?: Readonly<Record<string, string | null>>;
  /** A number without a decimal point counts units of 10^-wholeScale. */
  wholeScale?: number;
}

/** The format of an exchange's or a vendor's trades. */
export interface Preset {
  title: string;
  /** For each field the rules to try, in this order. */
  fields: Partial<Record<Field, readonly FieldRule[]>>;
  /** Names of the columns in files without a header, by the number of columns. */
  headerless?: Readonly<Record<number, readonly string[]>>;
  order?: DateOrder;
  /** Rows with another value in this column are not trades. */
  only?: { column: string; values: readonly string[] };
  /** Why a more specific preset must be chosen. */
  choose?: string;
}

const from = (...columns: string[]): FieldRule[] =>
  columns.map((column) => ({ columns: [column] }));
const during = (units: readonly TimeUnit[], ...columns: string[]): FieldRule[] =>
  columns.map((column) => ({ columns: [column], units }));
const named = (
  values: Record<string, string | null>,
  ...columns: string[]
): FieldRule[] => columns.map((column) => ({ columns: [column], values }));

/** Maps "buyer is maker" to the side of the taker. */
export const buyerIsMaker = { true: "sell", false: "buy", "1": "sell", "0": "buy" } as const;
const newYork = "America/New_York";
const binanceUnits = ["ms", "us"] as const;

/** Dukascopy has quotes, not trades: the name of the preset says which price is read. */
function dukascopy(which: string, price: FieldRule[], size: FieldRule[]): Preset {
  return {
    title: `Dukascopy ticks, ${which}`,
    fields: {
      ts: [
        { columns: ["Gmt time"], zone: "UTC" },
        { columns: ["Time (UTC)"], zone: "UTC" },
        { columns: ["Time (EET)"], zone: "Europe/Athens" },
        { columns: ["Local time"] },
      ],
      price,
      size,
    },
    order: "dmy",
  };
}

export const presets = {
  "alpaca": {
    title: "Alpaca trades",
    fields: {
      ts: from("t", "timestamp"),
      symbol: from("S", "symbol"),
      price: from("p", "price"),
      size: from("s", "size"),
      exchange: from("x", "exchange"),
      trade_id: from("i", "id"),
    },
  },
  "binance-aggtrades": {
    title: "Binance aggregate trades, spot or futures, file or API; milli- or microseconds",
    fields: {
      ts: during(binanceUnits, "T", "transact_time", "timestamp"),
      symbol: from("symbol"),
      price: from("p", "price"),
      size: from("q", "quantity"),
      side: named(buyerIsMaker, "m", "is_buyer_maker", "isBuyerMaker"),
      trade_id: from("a", "agg_trade_id"),
    },
    headerless: {
      7: ["a", "p", "q", "f", "l", "T", "m"],
      8: ["a", "p", "q", "f", "l", "T", "m", "M"],
    },
  },
  "binance-trades": {
    title: "Binance trades, spot or futures, file or API; milli- or microseconds",
    fields: {
      ts: during(binanceUnits, "time"),
      symbol: from("symbol"),
      price: from("price"),
      size: from("qty"),
      side: named(buyerIsMaker, "isBuyerMaker", "is_buyer_maker"),
      trade_id: from("id"),
    },
    headerless: {
      6: ["id", "price", "qty", "quoteQty", "time", "isBuyerMaker"],
      7: ["id", "price", "qty", "quoteQty", "time", "isBuyerMaker", "isBestMatch"],
    },
  },
  "bitstamp": {
    title: "Bitstamp transactions",
    fields: {
      ts: [...during(["us"], "microtimestamp"), ...during(["s"], "date", "timestamp", "unixtime")],
      symbol: from("symbol", "pair"),
      price: from("price"),
      size: from("amount"),
      side: named({ "0": "buy", "1": "sell", buy: "buy", sell: "sell" }, "type"),
      trade_id: from("tid", "id"),
    },
    headerless: { 3: ["unixtime", "price", "amount"] },
  },
  "coinbase": {
    title: "Coinbase trades; converts the maker's side to the taker's",
    fields: {
      ts: from("time"),
      symbol: from("product_id"),
      price: from("price"),
      size: from("size"),
      side: named({ buy: "sell", sell: "buy" }, "side"),
      trade_id: from("trade_id"),
    },
  },
  "databento": {
    title: "Databento trades, by ts_event; prices as decimals or in units of 1e-9",
    fields: {
      ts: during(["ns"], "ts_event"),
      symbol: from("symbol", "raw_symbol"),
      price: [{ columns: ["price"], wholeScale: 9 }],
      size: from("size"),
      exchange: from("publisher_id"),
      side: named({ a: "sell", b: "buy", n: null }, "side"),
      trade_id: from("sequence"),
    },
    only: { column: "action", values: ["T"] },
  },
  "dukascopy": {
    title: "Dukascopy ticks, which are quotes: choose dukascopy-ask, -bid or -mid",
    fields: {},
    choose:
      "Dukascopy's ticks are quotes: choose dukascopy-bid, dukascopy-ask or dukascopy-mid as the price",
  },
  "dukascopy-ask": dukascopy("price is the ask", from("Ask"), from("AskVolume")),
  "dukascopy-bid": dukascopy("price is the bid", from("Bid"), from("BidVolume")),
  "dukascopy-mid": dukascopy(
    "price is the mean of bid and ask, size the sum of their volumes",
    [{ columns: ["Bid", "Ask"], combine: "mean" }],
    [{ columns: ["BidVolume", "AskVolume"], combine: "sum" }],
  ),
  "firstrate": {
    title: "FirstRate Data ticks, New York time",
    fields: {
      ts: [{ columns: ["datetime"], zone: newYork }, { columns: ["timestamp"], zone: newYork }],
      symbol: from("symbol", "ticker"),
      price: from("price"),
      size: from("volume", "size"),
      exchange: from("exchange"),
    },
    headerless: {
      3: ["datetime", "price", "volume"],
      4: ["datetime", "price", "volume", "exchange"],
      5: ["datetime", "price", "volume", "exchange", "conditions"],
    },
  },
  "kibot": {
    title: "Kibot ticks, month first, New York time",
    fields: {
      ts: [{ columns: ["date", "time"], zone: newYork }],
      symbol: from("symbol"),
      price: from("price"),
      size: from("size", "volume"),
    },
    headerless: {
      4: ["date", "time", "price", "volume"],
      6: ["date", "time", "price", "bid", "ask", "size"],
    },
    order: "mdy",
  },
  "kraken": {
    title: "Kraken time and sales; seconds",
    fields: {
      ts: during(["s"], "timestamp", "time"),
      symbol: from("symbol", "pair"),
      price: from("price"),
      size: from("volume"),
      side: named({ b: "buy", s: "sell", buy: "buy", sell: "sell" }, "side"),
      trade_id: from("trade_id"),
    },
    headerless: { 3: ["timestamp", "price", "volume"] },
  },
  "polygon": {
    title: "Polygon flat files of trades, by participant_timestamp",
    fields: {
      ts: during(["ns"], "participant_timestamp"),
      symbol: from("ticker"),
      price: from("price"),
      size: from("size"),
      exchange: from("exchange"),
      trade_id: from("id"),
    },
  },
  "taq": {
    title: "NYSE TAQ trades in the format of WRDS, New York time",
    fields: {
      ts: [
        { columns: ["date", "time_m"], zone: newYork },
        { columns: ["date", "time"], zone: newYork },
      ],
      symbol: [{ columns: ["sym_root", "sym_suffix"] }, ...from("sym_root", "symbol")],
      price: from("price"),
      size: from("size"),
      exchange: from("ex"),
      trade_id: from("tr_id", "tr_seqnum"),
    },
  },
} as const satisfies Record<string, Preset>;

export type PresetName = keyof typeof presets;
export const presetNames = Object.keys(presets) as PresetName[];
