import { join } from "node:path";
import { messageOf } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import type { Clock, Timers } from "../../lib/clock.ts";
import { createLoop } from "../../lib/loop.ts";
import { createGuesses } from "./guesses.ts";
import type { Scope } from "./scope.ts";
import { createSessions } from "./sessions.ts";
import { openTokenFile } from "./store.ts";
import type { KnownToken, SettingToken } from "./token_index.ts";
import { createTokens, type TokenListing, type Tokens } from "./tokens.ts";

/** The caller: by a token, by a browser session, or anyone where this server has no token. */
export interface Principal {
  via: "token" | "session" | "open";
  tokenId: string;
  /** The token's name. */
  name: string;
  scope: Scope;
  /** Of a session: what it is known by. */
  sessionKey?: string;
}

/** On a server without tokens, every caller may do everything. */
export const anybody: Principal = { via: "open", tokenId: "", name: "open", scope: "admin" };

/** Names of the files in the data directory. */
export const tokenFileName = "tokens.json";
const sessionFileName = "browser-sessions.json";

export interface Auth {
  /** Whether a token is required. */
  readonly required: boolean;
  byToken(token: string, from: string): Principal | undefined;
  bySession(value: string): Principal | undefined;
  /** Counts a wrong token. Returns the milliseconds to wait where there were too many. */
  wrongToken(from: string): number | undefined;
  beginSession(principal: Principal): { value: string; maxAgeSeconds: number };
  endSession(value: string): void;
  listTokens(): TokenListing[];
  createToken: Tokens["create"];
  revokeToken(id: string): Promise<TokenListing>;
  /** Calls `onEnd` once, when the principal's token or session has ended. Returns a function that cancels this. */
  watch(principal: Principal, onEnd: () => void): () => void;
  /** Reads the files; await it before the first request. */
  load(): Promise<void>;
  /** Checks the file and the clock now, as happens each second after `start`. */
  check(): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

/** How often the file is checked, and how often last uses are written to it; milliseconds. */
const checkEveryMs = 1_000;
const writeUsesEveryMs = 60_000;

/** The tokens of the settings, the admin's first. */
export function settingTokens(
  { HOLDFAST_TOKEN, HOLDFAST_READ_TOKEN }: {
    readonly HOLDFAST_TOKEN?: string | undefined;
    readonly HOLDFAST_READ_TOKEN?: string | undefined;
  },
): SettingToken[] {
  const given = (name: string, scope: Scope, token: string | undefined) =>
    token === undefined ? [] : [{ name, scope, token }];
  return [
    ...given("HOLDFAST_TOKEN", "admin", HOLDFAST_TOKEN),
    ...given("HOLDFAST_READ_TOKEN", "read", HOLDFAST_READ_TOKEN),
  ];
}

/** Authenticates callers by tokens of the settings and the file and by browser sessions, and slows guessing down. */
export function createAuth(
  { settings, dataDir, clock, timers, log }: {
    settings: readonly SettingToken[];
    dataDir: string;
    clock: Clock;
    timers: Pick<Timers, "nowMs">;
    log: Logger;
  },
): Auth {
  const file = openTokenFile(join(dataDir, tokenFileName));
  const tokens = createTokens({ settings, file, clock, log });
  const sessions = createSessions({
    path: join(dataDir, sessionFileName),
    settings,
    isToken: (id) => tokens.byId(id) !== undefined,
    clock,
    log,
  });
  const guesses = createGuesses(timers);
  /** Watchers by session or token: few keys, though there may be thousands of sockets. */
  const watched = new Map<string, { principal: Principal; ends: Set<() => void> }>();
  let usesWrittenAt = timers.nowMs();

  const principalOf = ({ id, name, scope }: KnownToken): Principal => ({
    via: "token",
    tokenId: id,
    name,
    scope,
  });

  function isAlive({ via, tokenId, sessionKey }: Principal): boolean {
    if (via === "open") return true;
    if (sessionKey !== undefined) return sessions.isAlive(sessionKey);
    return tokens.byId(tokenId) !== undefined;
  }

  function endWatches(): void {
    for (const [key, { principal, ends }] of [...watched]) {
      if (isAlive(principal)) continue;
      watched.delete(key);
      for (const onEnd of ends) onEnd();
    }
  }

  async function writeUses(): Promise<void> {
    usesWrittenAt = timers.nowMs();
    await tokens.writeUses().catch((error) =>
      log.warn("token_uses_not_written", { error: messageOf(error) })
    );
  }

  async function check(): Promise<void> {
    await tokens.refresh();
    sessions.sweep();
    endWatches();
    if (timers.nowMs() - usesWrittenAt >= writeUsesEveryMs) await writeUses();
  }

  const loop = createLoop({ name: "token_file", everyMs: checkEveryMs, job: check, log });

  return {
    required: settings.length > 0,
    byToken(token, from) {
      const known = tokens.find(token);
      if (!known) return undefined;
      tokens.noteUse(known.id, from);
      return principalOf(known);
    },
    bySession(value) {
      const session = sessions.find(value);
      const known = session && tokens.byId(session.tokenId);
      return known && { ...principalOf(known), via: "session", sessionKey: session.key };
    },
    wrongToken: (from) => guesses.wrong(from),
    beginSession: ({ tokenId }) => sessions.begin(tokenId),
    endSession(value) {
      sessions.end(value);
      endWatches();
    },
    listTokens: () => tokens.list(),
    createToken: (wanted) => tokens.create(wanted),
    async revokeToken(id) {
      const gone = await tokens.revoke(id);
      sessions.sweep();
      endWatches();
      return gone;
    },
    watch(principal, onEnd) {
      const key = principal.sessionKey ?? principal.tokenId;
      const entry = watched.get(key) ?? { principal, ends: new Set() };
      const end = () => onEnd(); // its own, should two watch with one function
      entry.ends.add(end);
      watched.set(key, entry);
      if (!isAlive(principal)) endWatches();
      return () => {
        entry.ends.delete(end);
        if (entry.ends.size === 0 && watched.get(key) === entry) watched.delete(key);
      };
    },
    async load() {
      await tokens.refresh();
      await sessions.load();
    },
    check,
    start: () => loop.start(),
    async stop() {
      await loop.stop();
      await writeUses();
      await sessions.settled();
    },
  };
}
