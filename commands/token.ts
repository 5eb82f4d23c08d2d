import { join } from "node:path";
import process from "node:process";
import { HoldfastError, StartError } from "../errors.ts";
import { type Scope, scopes } from "../services/auth/scope.ts";
import { settingTokens, tokenFileName } from "../services/auth/service.ts";
import { openTokenFile } from "../services/auth/store.ts";
import {
  createTokens,
  type TokenListing,
  tokenName,
  type Tokens,
} from "../services/auth/tokens.ts";
import { systemClock } from "../lib/clock.ts";
import { readArguments, UsageError } from "./common/arguments.ts";
import type { CommandContext } from "./serve.ts";

const usage = `deno task token create --name NAME --scope SCOPE [--days N]
                                     creates a token and prints it once
deno task token list                 lists the tokens of HOLDFAST_DATA_DIR
deno task token revoke NAME|ID       revokes one

Scopes: read; ingest (also stores ticks and instruments); operate (also acknowledges, silences, applies plans, takes
backups, runs benchmarks); admin (everything). A running Holdfast picks up a change within a second. Tokens are
required where HOLDFAST_TOKEN is set.`;

const isScope = (text: string): text is Scope => (scopes as readonly string[]).includes(text);

function readDays(text: string | undefined): string | null {
  if (text === undefined) return null;
  if (!/^[1-9]\d{0,3}$/.test(text) || Number(text) > 3650) {
    throw new UsageError(`--days is ${text}; allowed: a whole number from 1 to 3650`);
  }
  return new Date(Date.now() + Number(text) * 86_400_000).toISOString();
}

async function create(
  tokens: Tokens,
  { name = "", scope = "", days }: { name?: string; scope?: string; days?: string },
): Promise<void> {
  if (!tokenName.test(name)) {
    throw new UsageError(
      `--name is ${JSON.stringify(name)}; allowed: letters, digits, _ . -, 64 at most`,
    );
  }
  if (!isScope(scope)) {
    throw new UsageError(`--scope is ${JSON.stringify(scope)}; allowed: ${scopes.join(", ")}`);
  }
  const expiresAt = readDays(days);
  const createdBy = `deno task token, user ${process.getuid?.() ?? "unknown"}`;
  const { secret } = await tokens.create({ name, scope, expiresAt, createdBy });
  console.error(
    `Token ${name}, scope ${scope}, ${expiresAt ? `until ${expiresAt}` : "until it is revoked"}.`,
  );
  console.error("Copy it now; it is not shown again:");
  console.log(secret);
}

function print(tokens: readonly TokenListing[]): void {
  if (tokens.length === 0) console.log("There are no tokens.");
  for (const { id, name, scope, source, expires_at, last_used_at, last_used_from } of tokens) {
    const used = last_used_at ? `used ${last_used_at} from ${last_used_from}` : "never used";
    const until = expires_at ? `, until ${expires_at}` : "";
    const which = source === "setting" ? "a setting" : id;
    console.log(`${name}  ${scope}  ${which}  ${used}${until}`);
  }
}

/** Runs `deno task token`: creates, lists and revokes named tokens, whether or not Holdfast runs. */
export async function token({ config, log }: CommandContext, args: string[]): Promise<number> {
  const { values, positionals } = readArguments("token", args, {
    name: { type: "string" },
    scope: { type: "string" },
    days: { type: "string" },
  });
  const [action, subject, ...rest] = positionals;
  if (values.help || action === undefined) {
    console.log(usage);
    return values.help ? 0 : 1;
  }
  const fits = action === "create" || action === "list" ? subject === undefined : subject;
  if (!["create", "list", "revoke"].includes(action) || !fits || rest.length > 0) {
    throw new UsageError(`Cannot read token ${positionals.join(" ")}; see deno task token --help`);
  }
  const folder = config.HOLDFAST_DATA_DIR;
  const settings = settingTokens(config);
  const file = openTokenFile(join(folder, tokenFileName));
  const tokens = createTokens({ settings, file, clock: systemClock, log });
  await tokens.refresh();
  try {
    if (action === "create") await create(tokens, values);
    else if (action === "list") print(tokens.list());
    else {
      const { name } = await tokens.revoke(subject ?? "");
      console.error(`Revoked ${name}.`);
    }
  } catch (error) {
    if (error instanceof HoldfastError) throw new StartError(error.message, { cause: error });
    throw error;
  }
  if (settings.length === 0) {
    console.error("HOLDFAST_TOKEN is not set here: a Holdfast without it requires no token.");
  }
  return 0;
}
