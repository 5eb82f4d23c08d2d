/** What each client is asked to find out, so that one test can compare them. */
export interface Report {
  accepted: number;
  prices: number[];
  health: string;
  pool: number;
  created: string;
  notFound: string;
}

/** The runtime's part of what is used here; the clients themselves are compiled without types of any. */
declare const Deno: { args: string[] };

/** The address of the server, the first argument. */
export const baseUrl: string = Deno.args[0] ?? "http://127.0.0.1:8000";

/** Two ticks of a symbol that nobody else uses. */
export const ticksOf = (symbol: string) =>
  [1.5, 2.5].map((price, n) => ({
    ts: new Date(Date.now() - 60_000 + n).toISOString(),
    symbol,
    price,
    size: 1,
    exchange: null,
  }));

export function print(report: Report): void {
  console.log(JSON.stringify(report));
}
