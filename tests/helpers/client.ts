import { type Client, type ClientOptions, createClient } from "../../client/client.ts";
import type { House } from "./house.ts";

/** A client of a house that waits little between its tries. */
export function clientOf(
  { url }: Pick<House, "url">,
  options: Partial<ClientOptions> = {},
): Client {
  return createClient({ baseUrl: url, retry: { baseMs: 20, maxMs: 100 }, ...options });
}
