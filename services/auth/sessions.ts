import { randomBytes, scrypt } from "node:crypto";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { messageOf } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import { writeDurably } from "../backups/base/files.ts";
import type { Clock } from "../../lib/clock.ts";
import { createSerialQueue } from "../../lib/serial_queue.ts";
import { type SettingToken, sha256 } from "./token_index.ts";

export const sessionSeconds = 12 * 3_600;

/** Sessions one token may have; the oldest ends when another begins. */
const perToken = 50;

const Session = z.object({
  /** SHA-256 of what the cookie holds: whoever reads the file gets no cookie. */
  key: z.string().regex(/^[0-9a-f]{64}$/),
  token_id: z.string(),
  ends_at: z.number(),
});
type Session = z.infer<typeof Session>;

const Content = z.object({
  version: z.literal(1),
  salt: z.string().regex(/^[0-9a-f]{32}$/),
  /** What scrypt makes of each token of the settings: sessions of a changed one are not taken up again. */
  settings: z.record(z.string(), z.string()),
  sessions: z.array(Session).max(20_000),
});

export interface Sessions {
  begin(tokenId: string): { value: string; maxAgeSeconds: number };
  /** The token that a living session came from, and the session's key. */
  find(value: string): { key: string; tokenId: string } | undefined;
  isAlive(key: string): boolean;
  end(value: string): void;
  /** Forgets those that have ended, by time or with their token; says whether there were any. */
  sweep(): boolean;
  /** Takes up the sessions of the last start. */
  load(): Promise<void>;
  /** Resolves once the file holds what is known. */
  settled(): Promise<void>;
}

/** A slow hash: a token of the settings may be one that somebody made up. */
function slowHash(token: string, salt: string): Promise<string> {
  return new Promise((resolve, reject) =>
    scrypt(token, salt, 32, (error, key) => error ? reject(error) : resolve(key.toString("hex")))
  );
}

/**
 * Sessions of browsers: random ids, kept here. A cookie is made of no token, so it helps nobody to guess one; it ends with
 * its token, at logout, and after twelve hours.
 */
export function createSessions(
  { path, settings, isToken, clock, log }: {
    path: string;
    settings: readonly SettingToken[];
    isToken: (id: string) => boolean;
    clock: Clock;
    log: Logger;
  },
): Sessions {
  const sessions = new Map<string, Session>();
  let salt = randomBytes(16).toString("hex");
  let fingerprints: Promise<Record<string, string>> | undefined;
  const writes = createSerialQueue();
  let queued = false;

  const fingerprintsOf = () =>
    fingerprints ??= Promise.all(
      settings.map(async ({ name, token }) => [name, await slowHash(token, salt)] as const),
    ).then(Object.fromEntries);

  function isLive({ ends_at, token_id }: Session): boolean {
    const leftMs = ends_at - clock.now().getTime();
    // One that ends later than any begun now was begun by a clock that was ahead.
    return leftMs > 0 && leftMs <= (sessionSeconds + 60) * 1000 && isToken(token_id);
  }

  async function write(): Promise<void> {
    queued = false;
    const settingsNow = await fingerprintsOf();
    const content = { version: 1, salt, settings: settingsNow, sessions: [...sessions.values()] };
    await writeDurably(path, JSON.stringify(content));
  }

  /** Writes what is known soon, once for all that changed meanwhile. Without the file, sessions end with the process. */
  function save(): void {
    if (queued) return;
    queued = true;
    void writes.run(write).catch((error) =>
      log.warn("browser_logins_not_kept", { error: messageOf(error) })
    );
  }

  return {
    begin(tokenId) {
      const value = randomBytes(32).toString("base64url");
      const own = [...sessions.values()].filter(({ token_id }) => token_id === tokenId);
      for (const { key } of own.slice(0, Math.max(0, own.length - perToken + 1))) {
        sessions.delete(key);
      }
      const key = sha256(value);
      const ends_at = clock.now().getTime() + sessionSeconds * 1000;
      sessions.set(key, { key, token_id: tokenId, ends_at });
      save();
      return { value, maxAgeSeconds: sessionSeconds };
    },
    find(value) {
      const found = sessions.get(sha256(value));
      return found && isLive(found) ? { key: found.key, tokenId: found.token_id } : undefined;
    },
    isAlive(key) {
      const found = sessions.get(key);
      return found !== undefined && isLive(found);
    },
    end(value) {
      if (sessions.delete(sha256(value))) save();
    },
    sweep() {
      const before = sessions.size;
      for (const [key, session] of sessions) if (!isLive(session)) sessions.delete(key);
      if (sessions.size === before) return false;
      save();
      return true;
    },
    async load() {
      try {
        const content = Content.parse(JSON.parse(await readFile(path, "utf8")));
        salt = content.salt;
        const now = await fingerprintsOf();
        for (const session of content.sessions) {
          const setting = now[session.token_id];
          if (setting !== undefined && setting !== content.settings[session.token_id]) continue;
          if (isLive(session)) sessions.set(session.key, session);
        }
      } catch (error) {
        if ((error as { code?: string }).code === "ENOENT") return;
        log.warn("browser_logins_not_kept", { error: messageOf(error) });
      }
    },
    settled: () => writes.idle(),
  };
}
