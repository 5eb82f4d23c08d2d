import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { Clock } from "./clock.ts";

export type Role = "admin" | "read";

const sessionSeconds = 12 * 3_600;

/** Compares in constant time; hashing first hides the length too. */
function sameSecret(given: string, expected: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

export interface Access {
  /** Whether tokens are asked for at all. */
  readonly required: boolean;
  roleOfToken(token: string): Role | undefined;
  /** A signed session for a browser: role, end, signature. No state is kept; a changed token ends all. */
  issueSession(role: Role): { value: string; maxAgeSeconds: number };
  roleOfSession(value: string): Role | undefined;
}

/** Who may do what: an admin token, and one that only reads. */
export function createAccess(
  { adminToken, readToken, clock }: {
    adminToken: string | undefined;
    readToken: string | undefined;
    clock: Clock;
  },
): Access {
  const sign = (text: string) =>
    createHmac("sha256", `holdfast session ${adminToken}`).update(text).digest("base64url");
  return {
    required: adminToken !== undefined,
    roleOfToken(token) {
      // Both are always compared, so that the time taken tells nothing.
      const admin = adminToken !== undefined && sameSecret(token, adminToken);
      const read = readToken !== undefined && sameSecret(token, readToken);
      return admin ? "admin" : read ? "read" : undefined;
    },
    issueSession(role) {
      const until = Math.floor(clock.now().getTime() / 1000) + sessionSeconds;
      const body = `${role}.${until}`;
      return { value: `${body}.${sign(body)}`, maxAgeSeconds: sessionSeconds };
    },
    roleOfSession(value) {
      const [role, until, signature] = value.split(".");
      if (!role || !until || !signature || adminToken === undefined) return undefined;
      if (!sameSecret(signature, sign(`${role}.${until}`))) return undefined;
      const leftMs = Number(until) * 1000 - clock.now().getTime();
      // One that ends later than any issued now was issued by a clock that was ahead.
      if (!(leftMs >= 0 && leftMs <= (sessionSeconds + 60) * 1000)) return undefined;
      return role === "admin" || role === "read" ? role : undefined;
    },
  };
}
