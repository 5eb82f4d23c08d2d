import { randomBytes } from "node:crypto";
import { HoldfastError, messageOf } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import type { Clock } from "../../lib/clock.ts";
import { createSerialQueue } from "../../lib/serial_queue.ts";
import type { Scope } from "./scope.ts";
import { LastUses } from "./last_uses.ts";
import { type TokenFile, type TokenFileContent, type TokenRecord, tokensMax } from "./store.ts";
import { type KnownToken, type SettingToken, sha256, TokenIndex } from "./token_index.ts";

export interface TokenListing {
  id: string;
  name: string;
  scope: Scope;
  source: "setting" | "file";
  created_at: string | null;
  created_by: string | null;
  expires_at: string | null;
  last_used_at: string | null;
  last_used_from: string | null;
}

export interface Tokens {
  find(token: string): KnownToken | undefined;
  /** Returns the token with an id; undefined where it is revoked or expired. */
  byId(id: string): KnownToken | undefined;
  /** Notes that a token was used; the next `writeUses` writes it to the file. */
  noteUse(id: string, from: string): void;
  list(): TokenListing[];
  create(
    wanted: { name: string; scope: Scope; expiresAt: string | null; createdBy: string },
  ): Promise<{ token: TokenListing; secret: string }>;
  /** Revokes the token with an id or name, and returns it. Throws not_found. */
  revoke(idOrName: string): Promise<TokenListing>;
  /** Reads the file if it has changed, and returns whether it has. */
  refresh(): Promise<boolean>;
  writeUses(): Promise<void>;
}

/** Allowed names of a token: they appear in logs, in the audit and on command lines. */
export const tokenName = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

/** Names that look like settings. */
const reserved = /^HOLDFAST_/i;

/** Makes a token of 256 random bits; the prefix lets scanners find one that was published. */
export const randomToken = () => `hft_${randomBytes(32).toString("base64url")}`;

/** Returns the records with a new one. Throws conflict where its name is taken, or the limit is reached. */
function withToken(tokens: readonly TokenRecord[], record: TokenRecord): TokenRecord[] {
  const { name } = record;
  if (tokens.some((one) => one.name === name)) {
    throw new HoldfastError(
      "conflict",
      `A token named ${name} exists; revoke it first, or choose another name`,
    );
  }
  if (tokens.length >= tokensMax) {
    throw new HoldfastError(
      "conflict",
      `${tokensMax} tokens exist, which is the limit; revoke one first`,
    );
  }
  return [...tokens, record];
}

/** Returns the record with an id or, if there is none, a name. Throws not_found. */
function findRecord(tokens: readonly TokenRecord[], idOrName: string): TokenRecord {
  const found = tokens.find(({ id }) => id === idOrName) ??
    tokens.find(({ name }) => name === idOrName);
  if (!found) throw new HoldfastError("not_found", `No token has the id ${idOrName}`);
  return found;
}

/**
 * Holds the tokens of the settings and of the file. `refresh` replaces the file's tokens by what the file contains, also
 * after a command changed it. While the file cannot be read, the tokens read last stay valid.
 */
export function createTokens(
  { settings, file, clock, log }: {
    settings: readonly SettingToken[];
    file: TokenFile;
    clock: Clock;
    log: Logger;
  },
): Tokens {
  const index = new TokenIndex(settings, () => clock.now().getTime());
  const uses = new LastUses();
  let records: readonly TokenRecord[] = [];
  let stamp: string | undefined;
  let broken = false;
  /** Reads and changes of the file, one after the other: a read begun before a change must not bring back what it revoked. */
  const turns = createSerialQueue();

  function take(content: TokenFileContent): void {
    records = content.tokens;
    index.replace(records);
    uses.merge(content.uses, (id) => index.has(id));
  }

  const lastUse = (id: string) => ({
    last_used_at: uses.get(id)?.at ?? null,
    last_used_from: uses.get(id)?.from ?? null,
  });

  function listingOf({ sha256: _, ...record }: TokenRecord): TokenListing {
    return { ...record, source: "file", ...lastUse(record.id) };
  }

  const settingListing = ({ name, scope }: SettingToken): TokenListing => ({
    id: name,
    name,
    scope,
    source: "setting",
    created_at: null,
    created_by: null,
    expires_at: null,
    ...lastUse(name),
  });

  /** Changes the file and takes over its content; leaves a file that cannot be read unchanged. */
  async function change(edit: (tokens: readonly TokenRecord[]) => TokenRecord[]): Promise<void> {
    try {
      await turns.run(async () => {
        let changed: TokenFileContent | undefined;
        await file.change((content) => changed = { ...content, tokens: edit(content.tokens) });
        if (changed) take(changed);
      });
    } catch (error) {
      if (error instanceof HoldfastError) throw error;
      stamp = undefined; // the next refresh reads the file again
      log.error("token_file_not_changed", { error: messageOf(error) });
      throw new HoldfastError(
        "conflict",
        "The token file cannot be changed; Holdfast's log says why",
        { cause: error },
      );
    }
  }

  async function refresh(): Promise<boolean> {
    try {
      const found = await file.stamp();
      if (found === stamp) return false;
      take(await file.read());
      stamp = found;
      broken = false;
      return true;
    } catch (error) {
      // The tokens read last stay valid: a file that is broken for a moment must not lock everybody out.
      if (!broken) log.error("token_file_unreadable", { error: messageOf(error) });
      broken = true;
      return false;
    }
  }

  return {
    find: (token) => index.find(token),
    byId: (id) => index.byId(id),
    noteUse: (id, from) =>
      uses.note(id, { at: clock.now().toISOString(), from: from.slice(0, 100) }),
    list: () => [...settings.map(settingListing), ...records.map(listingOf)],
    async create({ name, scope, expiresAt, createdBy }) {
      if (reserved.test(name)) {
        throw new HoldfastError(
          "conflict",
          `Cannot name a token ${name}: names that begin with HOLDFAST_ are for settings; choose another`,
        );
      }
      const secret = randomToken();
      const record: TokenRecord = {
        id: randomBytes(6).toString("hex"),
        name,
        scope,
        sha256: sha256(secret),
        created_at: clock.now().toISOString(),
        created_by: createdBy,
        expires_at: expiresAt,
      };
      await change((tokens) => withToken(tokens, record));
      return { token: listingOf(record), secret };
    },
    async revoke(idOrName) {
      if (settings.some(({ name }) => name === idOrName)) {
        throw new HoldfastError(
          "conflict",
          `${idOrName} is a setting; change it there and restart Holdfast`,
        );
      }
      const revoked: TokenListing[] = [];
      await change((tokens) => {
        const found = findRecord(tokens, idOrName);
        revoked.push(listingOf(found));
        return tokens.filter((one) => one !== found);
      });
      const [listing] = revoked;
      if (!listing) throw new Error("A token was revoked and not found");
      uses.drop(listing.id);
      return listing;
    },
    refresh: () => turns.run(refresh),
    async writeUses() {
      // No file is made for the settings' tokens alone.
      if (!uses.hasUnwritten || broken || !stamp) return;
      const ids = uses.takeUnwritten();
      try {
        await file.change((content) => {
          const known = new Set([
            ...content.tokens.map(({ id }) => id),
            ...settings.map(({ name }) => name),
          ]);
          return { ...content, uses: uses.mergedInto(content.uses, ids, (id) => known.has(id)) };
        });
      } catch (error) {
        uses.putBack(ids);
        throw error;
      }
    },
  };
}
