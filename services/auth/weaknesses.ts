import { stat } from "node:fs/promises";
import { join } from "node:path";
import { type Config, isLoopback } from "../../config/config.ts";
import { messageOf } from "../../errors.ts";
import { settingTokens, tokenFileName } from "./service.ts";
import { plausibleBits, strongBits } from "./strength.ts";
import { openTokenFile, type TokenFileContent } from "./store.ts";

/** Something that makes it easier than need be to do what one may not. */
export interface Weakness {
  /** Whether it should be mended, rather than be known. */
  serious: boolean;
  what: string;
}

const serious = (what: string): Weakness => ({ serious: true, what });
const known = (what: string): Weakness => ({ serious: false, what });

type AccessConfig = Pick<
  Config,
  "HOST" | "HOLDFAST_TOKEN" | "HOLDFAST_READ_TOKEN" | "HOLDFAST_TRUSTED_PROXIES"
>;

/** Days without use after which a token is worth a question. */
const unusedDays = 90;
const dayMs = 86_400_000;

/** Returns what is weak about the settings. */
export function weakSettings(config: AccessConfig): Weakness[] {
  const found: Weakness[] = [];
  for (const { name, token } of settingTokens(config)) {
    const bits = Math.floor(plausibleBits(token));
    if (bits >= strongBits) continue;
    found.push(serious(
      `${name} has ${bits} bits at most and can be guessed; use ${strongBits} or more: openssl rand -hex 32`,
    ));
  }
  const { HOST, HOLDFAST_TOKEN, HOLDFAST_READ_TOKEN, HOLDFAST_TRUSTED_PROXIES } = config;
  if (HOLDFAST_TOKEN !== undefined && HOLDFAST_TOKEN === HOLDFAST_READ_TOKEN) {
    found.push(
      serious("HOLDFAST_READ_TOKEN is the same as HOLDFAST_TOKEN: it may change everything"),
    );
  }
  if (!isLoopback(HOST) && HOLDFAST_TOKEN === undefined) {
    found.push(
      serious(`HOST is ${HOST} and there is no HOLDFAST_TOKEN: all who reach it may do everything`),
    );
  }
  if (!isLoopback(HOST) && HOLDFAST_TOKEN !== undefined && HOLDFAST_TRUSTED_PROXIES.length === 0) {
    found.push(known(
      `HOST is ${HOST}, and Holdfast speaks no TLS: put a proxy that does before it, and name it in HOLDFAST_TRUSTED_PROXIES, so that cookies are Secure`,
    ));
  }
  for (const network of HOLDFAST_TRUSTED_PROXIES) {
    if (network.endsWith("/0")) {
      found.push(serious(`HOLDFAST_TRUSTED_PROXIES has ${network}: anybody may claim any address`));
    }
  }
  return found;
}

/** Returns what is weak about named tokens. Pure. */
export function weakTokens(
  { tokens, uses }: TokenFileContent,
  { asked, now }: { asked: boolean; now: Date },
): Weakness[] {
  const found: Weakness[] = [];
  if (tokens.length > 0 && !asked) {
    found.push(serious("there are named tokens but no HOLDFAST_TOKEN: no token is required"));
  }
  for (const { id, name, created_at, expires_at } of tokens) {
    const usedAt = Date.parse(uses[id]?.at ?? created_at);
    const idleDays = Math.floor((now.getTime() - usedAt) / dayMs);
    if (expires_at !== null && Date.parse(expires_at) <= now.getTime()) {
      found.push(known(`the token ${name} has expired: deno task token revoke ${name}`));
    } else if (idleDays >= unusedDays) {
      found.push(known(
        `the token ${name} was not used for ${idleDays} days: deno task token revoke ${name}, if nobody needs it`,
      ));
    }
  }
  return found;
}

/** Looks at the settings and at the files in the data directory; changes nothing. */
export async function findWeaknesses(
  config: AccessConfig & Pick<Config, "HOLDFAST_DATA_DIR">,
  now: Date,
): Promise<Weakness[]> {
  const file = openTokenFile(join(config.HOLDFAST_DATA_DIR, tokenFileName));
  const found = weakSettings(config);
  try {
    const content = await file.read();
    found.push(...weakTokens(content, { asked: config.HOLDFAST_TOKEN !== undefined, now }));
    const mode = (await stat(file.path).catch(() => undefined))?.mode ?? 0;
    if ((mode & 0o077) !== 0) {
      found.push(serious(`${file.path} is open to other users of this machine: chmod 600`));
    }
  } catch (error) {
    found.push(serious(messageOf(error)));
  }
  return found;
}
