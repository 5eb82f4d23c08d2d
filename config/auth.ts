import { isIP } from "node:net";
import { z } from "zod";
import { list, setting, whole } from "./definition.ts";

/** An address, or a network such as 10.0.0.0/8. */
function isNetwork(text: string): boolean {
  const [address = "", prefix, ...rest] = text.split("/");
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return prefix === undefined ||
    (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128));
}

/** Trusted proxies and the audit log. */
export const authSettings = {
  HOLDFAST_TRUSTED_PROXIES: setting(
    list.pipe(z.array(z.string().refine(isNetwork))).default([]),
    "addresses or networks such as 127.0.0.1, 10.0.0.0/8, separated by commas",
    "Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are trusted. These headers are ignored on all other connections. See [security](security.md#behind-a-proxy).",
  ),
  HOLDFAST_AUDIT_DAYS: setting(
    whole(1, 36_500).default(365),
    "days from 1 to 36500",
    "How long an entry of the audit log is kept.",
  ),
  HOLDFAST_AUDIT_ROWS_MAX: setting(
    whole(1_000, 100_000_000).default(1_000_000),
    "a whole number from 1000 to 100000000",
    "Maximum number of entries in the audit log. The oldest are deleted first.",
  ),
} as const;
