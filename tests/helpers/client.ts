import { type Client, type ClientOptions, createClient } from "../../client/client.ts";
import type { TestApp } from "./test_app.ts";

/** A client of a app that waits little between its tries. */
export function clientOf(
  { url }: Pick<TestApp, "url">,
  options: Partial<ClientOptions> = {},
): Client {
  return createClient({ baseUrl: url, retry: { baseMs: 20, maxMs: 100 }, ...options });
}
