import { createHash, randomBytes } from "node:crypto";
import { HoldfastError, messageOf } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Scope } from "./scope.ts";
import {
  type TokenFile,
  type TokenFileContent,
  type TokenRecord,
  tokensMax,
  type Use,
} from "./store.ts";

/** A token of the settings: its name is the setting's. */
export interface SettingToken {
  name: string;
  scope: Scope;
  token: string;
}

/** A token as it is known while the server runs. */
export interface KnownToken {
  id: string;
  name: string;
  scope: Scope;
  expiresAt: number | undefined;
}

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
  /** The token of an id, unless it is revoked or has expired. */
  byId(id: string): KnownToken | undefined;
  /** Remembers that a token was used; the file gets it with the next `writeUses`. */
  noteUse(id: string, from: string): void;
  list(): TokenListing[];
  create(
    wanted: { name: string; scope: Scope; expiresAt: string | null; createdBy: string },
  ): Promise<{ token: TokenListing; secret: string }>;
  /** Revokes by id or name; returns what it was. Throws not_found. */
  revoke(idOrName: string): Promise<TokenListing>;
  /** Reads the file again where it has changed; says whether it has. */
  refresh(): Promise<boolean>;
  writeUses(): Promise<void>;
}

export const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

/** What a token may be named: it stands in logs, in the audit and on command lines. */
export const tokenName = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

/** Names that would be taken for settings. */
const reserved = /^HOLDFAST_/i;

/** Makes a token of 256 random bits; the prefix lets scanners find one that was published. */
export const randomToken = () => `hft_${randomBytes(32).toString("base64url")}`;

/**
 * Holds the tokens of the settings and of the file. It looks a token up by its SHA-256, so the time of a lookup reveals
 * nothing about the token. `refresh` replaces the file's tokens by what the file contains, also after a command changed it.
 */
export function createTokens(
  { settings, file, clock, log }: {
    settings: readonly SettingToken[];
    file: TokenFile;
    clock: Clock;
    log: Logger;
  },
): Tokens {
  let records: readonly TokenRecord[] = [];
  let byHash = new Map<string, KnownToken>();
  let byId = new Map<string, KnownToken>();
  const uses = new Map<string, Use>();
  const unwritten = new Set<string>();
  let stamp: string | undefined;
  let broken = false;

  function index(): void {
    const entries: [string, KnownToken][] = records.map((
      { id, name, scope, expires_at, sha256 },
    ) => [sha256, { id, name, scope, expiresAt: expires_at ? Date.parse(expires_at) : undefined }]);
    // The first of two settings with one value counts: the admin's.
    for (const { name, scope, token } of settings.toReversed()) {
      entries.push([sha256(token), { id: name, name, scope, expiresAt: undefined }]);
    }
    byHash = new Map(entries);
    byId = new Map(entries.map(([, known]) => [known.id, known]));
  }
  index();

  const living = (known: KnownToken | undefined) =>
    known && (known.expiresAt === undefined || clock.now().getTime() < known.expiresAt)
      ? known
      : undefined;

  function take(content: TokenFileContent): void {
    records = content.tokens;
    index();
    for (const id of uses.keys()) if (!byId.has(id)) uses.delete(id);
    for (const [id, use] of Object.entries(content.uses)) {
      const own = uses.get(id);
      if (byId.has(id) && !(own && own.at > use.at)) uses.set(id, use);
    }
  }

  const lastUse = (id: string) => ({
    last_used_at: uses.get(id)?.at ?? null,
    last_used_from: uses.get(id)?.from ?? null,
  });

  function listingOf({ sha256: _, ...record }: TokenRecord): TokenListing {
    return { ...record, source: "file", ...lastUse(record.id) };
  }

  /** Changes the file and what is known of it; a file that cannot be read is left as it is. */
  async function change(edit: (tokens: readonly TokenRecord[]) => TokenRecord[]): Promise<void> {
    try {
      let changed: TokenFileContent | undefined;
      await file.change((content) => changed = { ...content, tokens: edit(content.tokens) });
      if (changed) take(changed);
    } catch (error) {
      if (error instanceof HoldfastError) throw error;
      stamp = undefined; // so that what is known is read from the file again
      log.error("token_file_not_changed", { error: messageOf(error) });
      throw new HoldfastError(
        "conflict",
        "The token file cannot be changed; Holdfast's log says why",
        { cause: error },
      );
    }
  }

  return {
    find: (token) => living(byHash.get(sha256(token))),
    byId: (id) => living(byId.get(id)),
    noteUse(id, from) {
      uses.set(id, { at: clock.now().toISOString(), from: from.slice(0, 100) });
      unwritten.add(id);
    },
    list: () => [
      ...settings.map(({ name, scope }): TokenListing => ({
        id: name,
        name,
        scope,
        source: "setting",
        created_at: null,
        created_by: null,
        expires_at: null,
        ...lastUse(name),
      })),
      ...records.map(listingOf),
    ],
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
      await change((tokens) => {
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
      });
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
        const found = tokens.find(({ id }) => id === idOrName) ??
          tokens.find(({ name }) => name === idOrName);
        if (!found) throw new HoldfastError("not_found", `No token has the id ${idOrName}`);
        revoked.push(listingOf(found));
        return tokens.filter((one) => one !== found);
      });
      const [listing] = revoked;
      if (!listing) throw new Error("A token was revoked and not found");
      unwritten.delete(listing.id);
      return listing;
    },
    async refresh() {
      try {
        const found = await file.stamp();
        if (found === stamp) return false;
        take(await file.read());
        stamp = found;
        broken = false;
        return true;
      } catch (error) {
        // What was known goes on: a file that is broken for a moment must not lock everybody out.
        if (!broken) log.error("token_file_unreadable", { error: messageOf(error) });
        broken = true;
        return false;
      }
    },
    async writeUses() {
      // No file is made for the settings' tokens alone.
      if (unwritten.size === 0 || broken || !stamp) return;
      const written = [...unwritten];
      unwritten.clear();
      try {
        await file.change((content) => {
          const known = new Set([
            ...content.tokens.map(({ id }) => id),
            ...settings.map(({ name }) => name),
          ]);
          const merged = new Map(Object.entries(content.uses).filter(([id]) => known.has(id)));
          for (const id of written) {
            const [own, stored] = [uses.get(id), merged.get(id)];
            if (own && known.has(id) && !(stored && stored.at > own.at)) merged.set(id, own);
          }
          return { ...content, uses: Object.fromEntries(merged) };
        });
      } catch (error) {
        for (const id of written) unwritten.add(id);
        throw error;
      }
    },
  };
}
