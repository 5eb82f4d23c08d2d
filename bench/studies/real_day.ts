import type { Print } from "../cases/market/describe.ts";

/** Reads a gzipped CSV of trades (`ts,symbol,price,size,exchange`, times in milliseconds). */
export async function readRealDay(path: string): Promise<Print[]> {
  const file = await Deno.open(path);
  const text = await new Response(file.readable.pipeThrough(new DecompressionStream("gzip")))
    .text();
  return text.split("\n").slice(1).filter((line) => line !== "").map((line) => {
    const [ts = "", symbol = "", price, size] = line.split(",");
    return {
      tsUs: Date.parse(ts) * 1_000,
      symbol,
      priceCents: Number(price) * 100,
      size: Number(size),
    };
  });
}
