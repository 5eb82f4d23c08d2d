import { createHash } from "node:crypto";
import type { Scope } from "./scope.ts";
import type { TokenRecord } from "./store.ts";

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
  /** Milliseconds since 1970; undefined where it never expires. */
  expiresAt: number | undefined;
}

/** Returns the SHA-256 of a text in hexadecimal. */
export const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

/**
 * Finds tokens of the settings and of the file. It looks a token up by its SHA-256, so the time of a lookup reveals nothing
 * about the token. An expired token is not found.
 */
export class TokenIndex {
  readonly #settings: readonly SettingToken[];
  readonly #nowMs: () => number;
  #byHash: ReadonlyMap<string, KnownToken> = new Map();
  #byId: ReadonlyMap<string, KnownToken> = new Map();

  constructor(settings: readonly SettingToken[], nowMs: () => number) {
    this.#settings = settings;
    this.#nowMs = nowMs;
    this.replace([]);
  }

  /** Replaces the tokens of the file. */
  replace(records: readonly TokenRecord[]): void {
    const entries = records.map(({ id, name, scope, expires_at, sha256 }): [string, KnownToken] => [
      sha256,
      { id, name, scope, expiresAt: expires_at ? Date.parse(expires_at) : undefined },
    ]);
    // The first of two settings with one value counts: the admin's.
    for (const { name, scope, token } of this.#settings.toReversed()) {
      entries.push([sha256(token), { id: name, name, scope, expiresAt: undefined }]);
    }
    this.#byHash = new Map(entries);
    this.#byId = new Map(entries.map(([, known]) => [known.id, known]));
  }

  find(token: string): KnownToken | undefined {
    return this.#unexpired(this.#byHash.get(sha256(token)));
  }

  byId(id: string): KnownToken | undefined {
    return this.#unexpired(this.#byId.get(id));
  }

  /** Returns whether an id is known, expired or not. */
  has(id: string): boolean {
    return this.#byId.has(id);
  }

  #unexpired(known: KnownToken | undefined): KnownToken | undefined {
    return known && (known.expiresAt === undefined || this.#nowMs() < known.expiresAt)
      ? known
      : undefined;
  }
}
