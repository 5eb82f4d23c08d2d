import assert from "node:assert/strict";
import fc from "fast-check";
import { HoldfastError } from "../../errors.ts";
import {
  optionNames,
  readMappingOptions,
  type WrittenOptions,
} from "../../services/ingest/parse/mapping/options.ts";
import { presetNames } from "../../services/ingest/parse/mapping/presets.ts";
import { parseCsv } from "../../services/ingest/parse/parse_csv.ts";
import { parseJson } from "../../services/ingest/parse/parse_json.ts";
import { parseNdjson } from "../../services/ingest/parse/parse_ndjson.ts";
import type { RowBatch } from "../../services/ingest/tick.ts";
import { formatTimestamp } from "../../services/ingest/timestamp.ts";
import { cut, gather } from "../helpers/ticks.ts";

const nowMs = Date.UTC(2026, 10, 27);
const parsers = { csv: parseCsv, ndjson: parseNdjson, json: parseJson };

function parse(
  text: string | Uint8Array<ArrayBuffer>,
  written: WrittenOptions,
  format: keyof typeof parsers = "csv",
): Promise<RowBatch> {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  const mapping = Object.keys(written).length > 0 ? readMappingOptions(written) : undefined;
  return gather(
    parsers[format](cut(bytes, [1 << 16]), { batchRows: 1_000, maxRows: 1e6, mapping, nowMs }),
  );
}

/** A tick as `time symbol price size exchange side trade_id`, a dash for null. */
const brief = ({ ticks }: RowBatch) =>
  ticks.map(({ tsUs, symbol, price, size, exchange, side, tradeId }) =>
    [formatTimestamp(tsUs), symbol, price, size, exchange ?? "-", side ?? "-", tradeId ?? "-"]
      .join(" ")
  );

async function refusalOf(
  text: string | Uint8Array<ArrayBuffer>,
  written: WrittenOptions,
  format: keyof typeof parsers = "csv",
): Promise<string> {
  try {
    const { ticks, refusals } = await parse(text, written, format);
    assert.deepEqual(ticks, [], "It was taken");
    return refusals.map(({ path, message }) => `${path}: ${message}`).join("\n");
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return error.problems[0]?.message ?? error.message;
  }
}

interface Case {
  what: string;
  text: string;
  options: WrittenOptions;
  format?: keyof typeof parsers;
  ticks: string[];
}

const vendors: Case[] = [
  {
    what: "Binance aggTrades of spot in milliseconds, without a header",
    text: "26129,0.01633102,4.70443515,27781,27781,1498793709153,true,true\n" +
      "26130,0.01633200,1.5,27782,27784,1498793709200,False,True\n",
    options: { preset: "binance-aggtrades", symbol: "ETHBTC", exchange: "binance" },
    ticks: [
      "2017-06-30T03:35:09.153Z ETHBTC 0.01633102 4.70443515 binance sell 26129",
      "2017-06-30T03:35:09.200Z ETHBTC 0.016332 1.5 binance buy 26130",
    ],
  },
  {
    what: "Binance aggTrades since 2025, in microseconds",
    text: "3358500801,94591.78,0.00021,4359712161,4359712161,1735689600012345,False,True\n",
    options: { preset: "binance-aggtrades", symbol: "BTCUSDT" },
    ticks: ["2025-01-01T00:00:00.012345Z BTCUSDT 94591.78 0.00021 - buy 3358500801"],
  },
  {
    what: "Binance aggTrades of futures, with a header",
    text:
      "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n" +
      "1962405,42301.1,0.5,4600000,4600001,1704067200123,true\n",
    options: { preset: "binance-aggtrades", symbol: "BTCUSDT" },
    ticks: ["2024-01-01T00:00:00.123Z BTCUSDT 42301.1 0.5 - sell 1962405"],
  },
  {
    what: "Binance aggTrades of the API, as lines of JSON",
    text:
      '{"a":26129,"p":"0.01633102","q":"4.70443515","f":27781,"l":27781,"T":1498793709153,"m":true,"M":true}\n',
    options: { preset: "binance-aggtrades", symbol: "ETHBTC" },
    format: "ndjson",
    ticks: ["2017-06-30T03:35:09.153Z ETHBTC 0.01633102 4.70443515 - sell 26129"],
  },
  {
    what: "Binance trades",
    text: "28457,4.00000100,12.00000000,48.000012,1499865549590,True,True\n",
    options: { preset: "binance-trades", symbol: "BNBBTC" },
    ticks: ["2017-07-12T13:19:09.590Z BNBBTC 4.000001 12 - sell 28457"],
  },
  {
    what: "Kraken, seconds, without a header",
    text: "1381095255,122.00000,0.10000000\n1381179030,123.61,0.1\n",
    options: { preset: "kraken", symbol: "XBTUSD", exchange: "kraken" },
    ticks: [
      "2013-10-06T21:34:15.000Z XBTUSD 122 0.1 kraken - -",
      "2013-10-07T20:50:30.000Z XBTUSD 123.61 0.1 kraken - -",
    ],
  },
  {
    what: "Polygon flat files, nanoseconds",
    text:
      "ticker,conditions,correction,exchange,id,participant_timestamp,price,sequence_number,sip_timestamp,size,tape,trf_id,trf_timestamp\n" +
      'A,"12,37",0,11,1,1704186000051234567,139.1,71,1704186000051500000,5,1,0,0\n',
    options: { preset: "polygon" },
    ticks: ["2024-01-02T09:00:00.051234Z A 139.1 5 11 - 1"],
  },
  {
    what: "Databento, raw: nanoseconds and prices in units of 1e-9",
    text:
      "ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,depth,price,size,flags,ts_in_delta,sequence,symbol\n" +
      "1609160400099150057,1609160400098821953,0,1,5482,T,A,0,3720250000000,5,129,19251,1170380,ESH1\n" +
      "1609160400107665963,1609160400107665964,0,1,5482,T,N,0,3720500000000,21,129,20728,1170414,ESH1\n",
    options: { preset: "databento" },
    ticks: [
      "2020-12-28T13:00:00.098821Z ESH1 3720.25 5 1 sell 1170380",
      "2020-12-28T13:00:00.107665Z ESH1 3720.5 21 1 - 1170414",
    ],
  },
  {
    what: "Databento by another of its times: the preset's unit holds for it",
    text: "ts_recv,ts_event,action,side,price,size,symbol\n" +
      "1609160400099150057,1609160400098821953,T,A,3720250000000,5,ESH1\n",
    options: { preset: "databento", columns: "ts=ts_recv" },
    ticks: ["2020-12-28T13:00:00.099150Z ESH1 3720.25 5 - sell -"],
  },
  {
    what: "Databento, pretty: times of ISO 8601 and decimal prices",
    text:
      "ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,depth,price,size,flags,ts_in_delta,sequence,symbol\n" +
      "2020-12-28T13:00:00.099150057Z,2020-12-28T13:00:00.098821953Z,0,1,5482,T,B,0,3720.250000000,5,129,19251,1170380,ESH1\n",
    options: { preset: "databento" },
    ticks: ["2020-12-28T13:00:00.098821Z ESH1 3720.25 5 1 buy 1170380"],
  },
  {
    what: "Alpaca, as a table",
    text: "t,x,p,s,c,i,z\n2022-01-03T09:00:00.123456789Z,V,148.5,100,\"['@', 'I']\",42,C\n",
    options: { preset: "alpaca", symbol: "AAPL" },
    ticks: ["2022-01-03T09:00:00.123456Z AAPL 148.5 100 V - 42"],
  },
  {
    what: "Alpaca, as the array of the API",
    text:
      '[{"t":"2022-01-03T09:00:00.123456789Z","x":"V","p":148.5,"s":100,"c":["@"],"i":42,"z":"C"},' +
      '{"t":"2022-01-03T09:00:01Z","x":"V","p":148.6,"s":1,"i":9007199254740993,"z":"C"}]',
    options: { preset: "alpaca", symbol: "AAPL" },
    format: "json",
    ticks: [
      "2022-01-03T09:00:00.123456Z AAPL 148.5 100 V - 42",
      "2022-01-03T09:00:01.000Z AAPL 148.6 1 V - 9007199254740993",
    ],
  },
  {
    what: "Dukascopy in Gmt time, the bid",
    text: "Gmt time,Ask,Bid,AskVolume,BidVolume\n" +
      "01.10.2013 00:00:00.262,1.35285,1.35275,1.5,0.75\n",
    options: { preset: "dukascopy-bid", symbol: "EURUSD" },
    ticks: ["2013-10-01T00:00:00.262Z EURUSD 1.35275 0.75 - - -"],
  },
  {
    what: "Dukascopy in local time with its offset, the mean of bid and ask",
    text: "Local time,Ask,Bid,AskVolume,BidVolume\n" +
      "01.10.2013 02:00:00.262 GMT+0200,1.5,1.25,1.5,0.75\n",
    options: { preset: "dukascopy-mid", symbol: "EURUSD" },
    ticks: ["2013-10-01T00:00:00.262Z EURUSD 1.375 2.25 - - -"],
  },
  {
    what: "Coinbase: the side is the maker's there",
    text: "time,trade_id,price,size,side\n2024-01-02T03:04:05.678901Z,74,10.00000000,0.01,buy\n",
    options: { preset: "coinbase", symbol: "BTC-USD" },
    ticks: ["2024-01-02T03:04:05.678901Z BTC-USD 10 0.01 - sell 74"],
  },
  {
    what: "Bitstamp with a header, 0 a purchase and 1 a sale",
    text: "date,tid,price,amount,type\n1381095255,21567,122.5,0.1,0\n1381095256,21568,122.4,2,1\n",
    options: { preset: "bitstamp", symbol: "BTCUSD" },
    ticks: [
      "2013-10-06T21:34:15.000Z BTCUSD 122.5 0.1 - buy 21567",
      "2013-10-06T21:34:16.000Z BTCUSD 122.4 2 - sell 21568",
    ],
  },
  {
    what: "FirstRate Data, New York's clock",
    text: "2013-10-07 09:30:00.123,170.57,100\n2013-12-02 09:30:00,181.1,5\n",
    options: { preset: "firstrate", symbol: "SPY" },
    ticks: [
      "2013-10-07T13:30:00.123Z SPY 170.57 100 - - -",
      "2013-12-02T14:30:00.000Z SPY 181.1 5 - - -",
    ],
  },
  {
    what: "Kibot with bid and ask, month first",
    text: "10/07/2013,09:30:00,170.57,170.56,170.58,100\n",
    options: { preset: "kibot", symbol: "SPY" },
    ticks: ["2013-10-07T13:30:00.000Z SPY 170.57 100 - - -"],
  },
  {
    what: "TAQ of WRDS",
    text: "DATE,TIME_M,EX,SYM_ROOT,SYM_SUFFIX,TR_SCOND,SIZE,PRICE,TR_SEQNUM\n" +
      "20131007,9:30:00.123456789,P,BRK,B,@,100,113.25,77\n" +
      "20131007,16:00:00.5,T,SPY,,@,1,168,78\n",
    options: { preset: "taq" },
    ticks: [
      "2013-10-07T13:30:00.123456Z BRK.B 113.25 100 P - 77",
      "2013-10-07T20:00:00.500Z SPY 168 1 T - 78",
    ],
  },
  {
    what: "psql's own output, which has short offsets",
    text: "ts,symbol,price,size\n2013-10-07 13:30:00.123+00,SPY,1,2\n" +
      "2013-10-07 19:00:00.5+0530,SPY,1,2\n2013-10-07 19:00:00+05:30,SPY,1,2\n",
    options: {},
    ticks: [
      "2013-10-07T13:30:00.123Z SPY 1 2 - - -",
      "2013-10-07T13:30:00.500Z SPY 1 2 - - -",
      "2013-10-07T13:30:00.000Z SPY 1 2 - - -",
    ],
  },
  {
    what: "lines that end in carriage returns alone, a mark, quoted names in capitals",
    text:
      '\ufeff"TS","Symbol","PRICE","Size"\r2013-10-07T13:30:00Z,SPY,1,2\r2013-10-07T13:30:01Z,SPY,2,2\r',
    options: {},
    ticks: ["2013-10-07T13:30:00.000Z SPY 1 2 - - -", "2013-10-07T13:30:01.000Z SPY 2 2 - - -"],
  },
  {
    what: "semicolons",
    text: "ts;symbol;price;size\n2013-10-07T13:30:00Z;SPY;1.5;2\n",
    options: {},
    ticks: ["2013-10-07T13:30:00.000Z SPY 1.5 2 - - -"],
  },
  {
    what: "tabs, and columns of other names",
    text: "when\tticker\tpx\tqty\tnote\n2013-10-07T13:30:00Z\tSPY\t1.5\t2\tx\n",
    options: { columns: "ts=when,symbol=ticker,price=px,size=qty" },
    ticks: ["2013-10-07T13:30:00.000Z SPY 1.5 2 - - -"],
  },
  {
    what: "decimal commas, said so, with days first and a time zone",
    text: "ts;symbol;price;size\n07.10.2013 15:30:00,25;DTE;1,5;2\n",
    options: { decimal: "comma", date_order: "dmy", time_zone: "Europe/Berlin" },
    ticks: ["2013-10-07T13:30:00.250Z DTE 1.5 2 - - -"],
  },
  {
    what: "columns by their numbers, without a header",
    text: "SPY,1381152600.25,1.5,2,x\n",
    options: { columns: "ts=2,symbol=1,price=3,size=4", time_unit: "s" },
    ticks: ["2013-10-07T13:30:00.250Z SPY 1.5 2 - - -"],
  },
  {
    what: "keys of JSON",
    text: '{"when":1381152600123456789,"s":"SPY","px":"1.5","q":2}\n',
    options: { columns: "ts=when,symbol=s,price=px,size=q", time_unit: "ns" },
    format: "ndjson",
    ticks: ["2013-10-07T13:30:00.123456Z SPY 1.5 2 - - -"],
  },
  {
    what: "unknown columns, left out by saying so",
    text: "ts,symbol,price,size,note\n2013-10-07T13:30:00Z,SPY,1.5,2,x\n",
    options: { ignore_unknown: "true" },
    ticks: ["2013-10-07T13:30:00.000Z SPY 1.5 2 - - -"],
  },
];

Deno.test("real lines of each vendor's form become the ticks they mean", async () => {
  for (const { what, text, options, format, ticks } of vendors) {
    const found = await parse(text, options, format);
    assert.deepEqual(found.refusals, [], what);
    assert.deepEqual(brief(found), ticks, what);
  }
  const tried = new Set(vendors.map(({ options }) => options.preset));
  for (const name of presetNames) {
    assert.ok(tried.has(name) || name.startsWith("dukascopy"), `${name} is not tried`);
  }
});

Deno.test("every preset stands in the docs and in the document of the API", async () => {
  const root = new URL("../../", import.meta.url);
  for (const file of ["docs/import-export.md", "openapi.yaml"]) {
    const text = await Deno.readTextFile(new URL(file, root));
    for (const name of presetNames) {
      if (name === "dukascopy" && file.startsWith("docs")) continue;
      assert.match(text, new RegExp(`\\b${name}\\b`), `${name} in ${file}`);
    }
    for (const option of optionNames) {
      assert.match(text, new RegExp(`\\b${option}\\b`), `${option} in ${file}`);
    }
  }
});

const klines =
  "1499040000000,0.01634790,0.80000000,0.01575800,0.01577100,148976.1,1499644799999,2434.1,308,1756.8,28.4,0\n";

Deno.test("what is no list of trades is refused with what it is", async () => {
  const agg = { preset: "binance-aggtrades", symbol: "X" };
  const wrong: [string, WrittenOptions, RegExp][] = [
    [klines, agg, /12 columns; preset=binance-aggtrades knows 7 or 8; these are candles/],
    ["28457,4.0,12.0,48.0,1499865549590,True,True\n", agg, /ts: .*True/],
    [
      "26129,0.1,4.7,27781,27781,1498793709153,true\n",
      { ...agg, preset: "binance-trades" },
      /side: column isBuyerMaker is "1498793709153"/,
    ],
    [
      "1381095255,1,2,0.5,1.5,3,4\n",
      { preset: "kraken", symbol: "X" },
      /knows 3; these are candles/,
    ],
    ["ticker,volume,open,close,high,low,window_start,transactions\nA,1,2,3,4,5,6,7\n", {
      preset: "polygon",
    }, /missing: ts, price, size: these are candles, not trades/],
    ["Gmt time,Ask,Bid,AskVolume,BidVolume\n", { symbol: "X" }, /looks like preset=dukascopy/],
    ["Gmt time,Open,High,Low,Close,Volume\n", { preset: "dukascopy-bid", symbol: "X" }, /candles/],
    [
      "a,b\n",
      { preset: "dukascopy" },
      /are quotes: choose dukascopy-bid, dukascopy-ask or dukascopy-mid/,
    ],
    ["1381095255,122.0,0.1\n", { preset: "kraken" }, /missing: symbol.*symbol=/],
    ["time,trade_id,price,size,side\n", {}, /missing: ts, symbol.*looks like preset=coinbase/],
    [
      "ts,symbol,price,size,colour\n",
      {},
      /Unknown column "colour".*ignore_unknown=true \(import: --ignore-unknown\).*columns/,
    ],
    ["ts,symbol,price,size\n", { symbol: "SPY" }, /have a symbol of their own, in column symbol/],
    [
      "ts,symbol,price,size\n",
      { columns: "price=prize" },
      /no column prize, which columns names for price; there are 4: ts, symbol/,
    ],
    ["ts_event,price,size,side,action,symbol\n1609160400098821953,1.5,1,A,C,ES\n", {
      preset: "databento",
    }, /action is C, not T: the row is no trade/],
    ["ts_event,price,size,side,action,symbol\n1609160400098821953,9223372036854775807,1,A,T,ES\n", {
      preset: "databento",
    }, /price must be a number, it is missing/],
    [
      "date,tid,price,amount,type\n1381095255,1,1,1,2\n",
      { preset: "bitstamp", symbol: "X" },
      /side: column type is "2"; it must be one of 0, 1/,
    ],
  ];
  for (const [text, options, words] of wrong) {
    assert.match(await refusalOf(text, options), words, text);
  }
});

Deno.test("bytes that are no UTF-8 text are refused as what they are", async () => {
  const utf16 = (text: string, mark: boolean) =>
    new Uint8Array([
      ...(mark ? [0xff, 0xfe] : []),
      ...[...text].flatMap((c) => [c.charCodeAt(0), 0]),
    ]);
  for (const mark of [true, false]) {
    assert.match(
      await refusalOf(utf16("ts,symbol,price,size\n", mark), {}),
      /it is UTF-16; save it as UTF-8/,
    );
  }
  assert.match(
    await refusalOf(new Uint8Array([0x50, 0x4b, 3, 4, 0, 0]), {}),
    /a zip archive; unpack it/,
  );
  assert.match(await refusalOf(new Uint8Array([0x1f, 0x8b, 8, 0]), {}, "ndjson"), /it is gzip/);
});

const row = (ts: string | number) => `ts,symbol,price,size\n${ts},SPY,1,2\n`;

Deno.test("a number without its unit, or with a mistaken one, is refused with the unit that fits", async () => {
  const of = (unit: string): WrittenOptions => ({ time_unit: unit });
  const wrong: [string | number, WrittenOptions, RegExp][] = [
    [1728000000, {}, /number of s since 1970.*time_unit=s \(import: --time-unit s\)/],
    ["1728000000000", {}, /time_unit=ms/],
    [
      "1728000000000",
      of("s"),
      /1728000000000 read as seconds is the year 56728; as milliseconds it is 2024-10-04T00:00:00.000Z: did you mean ms\?/,
    ],
    [
      "1728000000",
      of("ms"),
      /read as milliseconds is 1970-01-21T00:00:00.000Z; as seconds it is 2024-10-04.*did you mean s\?/,
    ],
    ["1728000000000000000", of("us"), /did you mean ns\?/],
    [
      "20131007",
      of("s"),
      /read as seconds is 1970-08-\d\dT.*; numbers must be times from 1990 to one year/,
    ],
    ["1.728e12", of("ms"), /lost digits to its exponent/],
    [
      "1900000000",
      of("s"),
      /2030-03-17T17:46:40.000Z; numbers must be times from 1990 to one year ahead/,
    ],
    ["-1", of("ms"), /1969-12-31/],
  ];
  for (const [ts, options, words] of wrong) {
    assert.match(await refusalOf(row(ts), options), words, `${ts}`);
  }
  assert.match(
    await refusalOf('[{"ts":1728000000000,"symbol":"S","price":1,"size":1}]', {}, "json"),
    /it is a number; a number of ms since 1970/,
  );
});

Deno.test("of two units in one file only the first is taken", async () => {
  const text = "1,1,1,1,1,1498793709153,true,true\n2,1,1,1,1,1735689600012345,true,true\n";
  const { ticks, refusals } = await parse(text, { preset: "binance-aggtrades", symbol: "X" });
  assert.deepEqual(ticks.map(({ line }) => line), [1]);
  assert.match(
    refusals[0]?.message ?? "",
    /read as milliseconds is the year 56.*did you mean us\?/,
  );
});

Deno.test("a time without an offset needs a zone, and an hour that is there twice or never is refused", async () => {
  assert.match(
    await refusalOf(row("2013-10-07 09:30:00"), {}),
    /set the zone of times without an offset with time_zone/,
  );
  assert.match(
    await refusalOf(row("2013-10-07 09:30:00"), { ignore_unknown: "true" }),
    /has no offset: say in which time zone/,
  );
  const at = async (ts: string, zone: string) => {
    const { ticks, refusals } = await parse(row(ts), { time_zone: zone });
    return ticks[0] ? formatTimestamp(ticks[0].tsUs) : refusals[0]?.message ?? "";
  };
  const cases: [string, string, RegExp][] = [
    ["2013-10-07 09:30:00", "America/New_York", /^2013-10-07T13:30:00.000Z$/],
    ["2013-10-07 09:30:00-07:00", "America/New_York", /^2013-10-07T16:30:00.000Z$/],
    ["2013-10-07T09:30:00.123456789", "Asia/Kolkata", /^2013-10-07T04:00:00.123456Z$/],
    ["2013-10-07 09:30", "+05:30", /^2013-10-07T04:00:00.000Z$/],
    ["2026-03-08 02:30:00", "America/New_York", /does not exist in America\/New_York/],
    ["2026-03-08 01:59:59.999999", "America/New_York", /^2026-03-08T06:59:59.999999Z$/],
    ["2026-03-08 03:00:00", "America/New_York", /^2026-03-08T07:00:00.000Z$/],
    ["2026-11-01 01:30:00", "America/New_York", /happens twice in America\/New_York/],
    ["2026-11-01 00:59:59", "America/New_York", /^2026-11-01T04:59:59.000Z$/],
    ["2026-11-01 02:00:00", "America/New_York", /^2026-11-01T07:00:00.000Z$/],
    ["2026-10-04 02:15:00", "Australia/Lord_Howe", /does not exist/],
    ["2026-10-04 02:30:00", "Australia/Lord_Howe", /^2026-10-03T15:30:00.000Z$/],
    ["2026-04-05 01:45:00", "Australia/Lord_Howe", /happens twice/],
    ["20131007 093000.5", "UTC", /^2013-10-07T09:30:00.500Z$/],
    ["2013107 09:30:00", "UTC", /no time with its date/],
    ["10/07/13 09:30:00", "UTC", /no time with its date/],
    ["2026-02-30 02:30:00", "UTC", /no time with its date as ymd/],
    [
      "07/10/2013 09:30:00",
      "UTC",
      /no time with its date as ymd; set other orders of the date with date_order/,
    ],
  ];
  for (const [ts, zone, words] of cases) assert.match(await at(ts, zone), words, `${ts} ${zone}`);
});

Deno.test("options that cannot be read are refused by name", () => {
  const wrong: [WrittenOptions, RegExp][] = [
    [{ columns: "price" }, /^columns: "price" is not FIELD=COLUMN/],
    [
      { columns: "prize=2" },
      /^columns: "prize" is not a field; known: ts, symbol, .*buyer_is_maker/,
    ],
    [{ columns: "price=1,price=2" }, /^columns: price is given twice/],
    [{ time_unit: "m" }, /^time_unit: "m" is not one of s, ms, us, ns/],
    [{ time_zone: "Mars/Olympus" }, /^time_zone: "Mars\/Olympus" is not a time zone; use UTC/],
    [{ preset: "nyse" }, /^preset: "nyse" is not one of alpaca/],
    [{ delimiter: "ab" }, /^delimiter: must be one character or comma, semicolon/],
    [{ decimal: "comma", delimiter: "comma" }, /^decimal: a comma cannot be both/],
    [{ symbol: "A", columns: "symbol=1" }, /^symbol: columns also names a column for it/],
    [{ symbol: "" }, /^symbol: must not be empty/],
    [{ header: "maybe" }, /^header: "maybe" is not one of true, false/],
  ];
  for (const [written, words] of wrong) {
    assert.throws(
      () => readMappingOptions(written),
      (error: HoldfastError) => error.code === "invalid_request" && words.test(error.message),
      JSON.stringify(written),
    );
  }
});

const units = { s: 1_000_000n, ms: 1_000n, us: 1n, ns: 1n };
type Unit = keyof typeof units;
const likelyFrom = BigInt(Date.UTC(1990, 0, 1)) * 1_000n;
const likelyTo = BigInt(nowMs) * 1_000n;

/** A time as a number of its unit, with the digits beyond a whole one where there are any. */
function counted(us: bigint, unit: Unit): string {
  if (unit === "ns") return `${us}789`;
  const per = units[unit];
  const rest = String(us % per).padStart(String(per).length - 1, "0");
  return us % per === 0n ? String(us / per) : `${us / per}.${rest}`;
}

Deno.test("whatever the names, the order of columns, the unit and the form: the same ticks", async () => {
  const fields = ["ts", "symbol", "price", "size", "side", "trade_id"] as const;
  const name = fc.stringMatching(/^[a-z][a-z_ .]{0,8}[a-z]$/).filter((one) =>
    !["ts", "symbol", "price", "size", "exchange", "side"].includes(one)
  );
  const tick = fc.record({
    us: fc.bigInt({ min: likelyFrom, max: likelyTo }),
    symbol: fc.constantFrom("SPY", "BRK.B", "漢"),
    price: fc.integer({ min: 0, max: 1e9 }).map((value) => value / 1e4),
    size: fc.integer({ min: 0, max: 1e6 }),
    maker: fc.boolean(),
    id: fc.bigInt({ min: 0n, max: 2n ** 63n }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(tick, { minLength: 1, maxLength: 10 }),
      fc.constantFrom<Unit>("s", "ms", "us", "ns"),
      fc.constantFrom("comma", "semicolon", "tab", "pipe", "json"),
      fc.uniqueArray(name, { minLength: 8, maxLength: 8 }),
      fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6], { minLength: 7 }),
      fc.boolean(),
      async (rows, unit, form, names, order, byNumber) => {
        const cells = rows.map(({ us, symbol, price, size, maker, id }) =>
          [counted(us, unit), symbol, price, size, maker, id, "more"].map(String)
        );
        const json = form === "json";
        const numbered = byNumber && !json;
        const source = (at: number) => numbered ? String(order.indexOf(at) + 1) : names[at];
        const columns = fields.map((field, at) =>
          `${field === "side" ? "buyer_is_maker" : field}=${source(at)}`
        ).join(",");
        const delimiter = { comma: ",", semicolon: ";", tab: "\t", pipe: "|", json: "" }[form];
        const lines = cells.map((one) => order.map((at) => one[at]).join(delimiter));
        const text = json
          ? cells.map((one) =>
            `{${
              order.map((at) => {
                const bare = at === 0 || at === 2 || at === 3 || at === 4 || at === 5;
                return `"${names[at]}":${bare ? one[at] : JSON.stringify(one[at])}`;
              }).join(",")
            }}`
          ).join("\n")
          : [...(numbered ? [] : [order.map((at) => names[at]).join(delimiter)]), ...lines].join(
            "\n",
          );
        const written = { columns, time_unit: unit };
        const found = await parse(text, written, json ? "ndjson" : "csv");
        assert.deepEqual(found.refusals, []);
        assert.deepEqual(
          found.ticks.map((
            { tsUs, symbol, price, size, side, tradeId },
          ) => [BigInt(tsUs), symbol, price, size, side, tradeId]),
          rows.map((
            { us, symbol, price, size, maker, id },
          ) => [us, symbol, price, size, maker ? "sell" : "buy", String(id)]),
        );
        const mistaken = (["s", "ms", "us", "ns"] as const).filter((one) => one !== unit);
        for (const time_unit of mistaken) {
          const wrong = await parse(text, { columns, time_unit }, json ? "ndjson" : "csv");
          assert.deepEqual(wrong.ticks, [], `${unit} as ${time_unit}`);
          assert.match(wrong.refusals[0]?.message ?? "", new RegExp(`did you mean ${unit}\\?`));
        }
      },
    ),
    { numRuns: 300 },
  );
});

const zones = [
  "America/New_York",
  "Europe/London",
  "Asia/Kolkata",
  "Australia/Lord_Howe",
  "UTC",
  "-03:30",
];

/** What a clock in a zone shows, by Intl. */
function wallClock(ms: number, zone: string): string {
  const parts = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  }).formatToParts(ms);
  const part = (type: string) => parts.find((one) => one.type === type)?.value ?? "";
  return `${part("year")}-${part("month")}-${part("day")} ${part("hour")}:${part("minute")}:${
    part("second")
  }`;
}

Deno.test("what a clock showed is read as its moment, or refused because it showed it twice", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...zones),
      fc.array(fc.integer({ min: 631_152_000, max: 1_790_000_000 }), {
        minLength: 1,
        maxLength: 20,
      }),
      async (zone, seconds) => {
        const lines = seconds.map((one) => `${wallClock(one * 1000, zone)},SPY,1,2`);
        const text = ["ts,symbol,price,size", ...lines].join("\n");
        const { ticks, refusals } = await parse(text, { time_zone: zone });
        for (const { line, tsUs } of ticks) assert.equal(tsUs, seconds[line - 2]! * 1_000_000);
        for (const { line, message } of refusals) {
          assert.match(message, /happens twice/);
          const near = [-7200, -3600, -1800, 1800, 3600, 7200].map((by) => seconds[line - 2]! + by);
          const shown = wallClock(seconds[line - 2]! * 1000, zone);
          assert.ok(near.some((one) => wallClock(one * 1000, zone) === shown), shown);
        }
        assert.equal(ticks.length + refusals.length, seconds.length);
      },
    ),
    { numRuns: 200 },
  );
});

Deno.test("whatever the options and the bytes: ticks or a refusal, and no other error", async () => {
  const options = fc.record({
    columns: fc.constantFrom("ts=1,price=2,size=3", "ts=a+b", "side=c", "buyer_is_maker=ts"),
    symbol: fc.constantFrom("SPY", "漢"),
    time_unit: fc.constantFrom("s", "ms", "us", "ns"),
    time_zone: fc.constantFrom("UTC", "-03:30"),
    date_order: fc.constantFrom("ymd", "dmy", "mdy"),
    preset: fc.constantFrom(...presetNames),
    header: fc.constantFrom("true", "false"),
    delimiter: fc.constantFrom("comma", "tab", "space", "#"),
    decimal: fc.constantFrom("comma", "point"),
    ignore_unknown: fc.constantFrom("true", "false"),
  }, { requiredKeys: [] });
  const piece = fc.oneof(
    fc.constantFrom(
      ..."ts,symbol,price,size,a,b,c,1,2.5,1381095255,1381095255123,true,SPY".split(","),
    ),
    fc.constantFrom(
      ",",
      ";",
      "\t",
      "\n",
      "\r",
      '"',
      " ",
      "{",
      "}",
      ":",
      "[",
      "]",
      "\0",
      "\ufeff",
      "e9",
      "-",
    ),
    fc.string({ unit: "binary", maxLength: 5 }),
  );
  await fc.assert(
    fc.asyncProperty(
      options,
      fc.array(piece, { maxLength: 40 }),
      fc.constantFrom<keyof typeof parsers>("csv", "ndjson", "json"),
      async (written, pieces, format) => {
        try {
          const { ticks } = await parse(pieces.join(""), written, format);
          for (const { tsUs } of ticks) assert.ok(tsUs >= 0 && Number.isSafeInteger(tsUs));
        } catch (error) {
          assert.ok(error instanceof HoldfastError, error instanceof Error ? error.stack : "");
        }
      },
    ),
    { numRuns: 400 },
  );
});
