import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { findPassword } from "../../db/address/grammar.ts";
import type { Target } from "../../db/connection.ts";

/** The address of an embedded server as a DATABASE_URL, by default as its superuser in the database holdfast. */
export function embeddedUrl(
  target: Target,
  { user = "postgres", database = "holdfast" }: { user?: string; database?: string } = {},
): string {
  assert.ok(target.kind === "socket");
  const place = new URLSearchParams({
    host: target.directory,
    port: String(target.port),
    ...(target.passwordFile === undefined ? {} : { passfile: target.passwordFile }),
  });
  return `postgres://${user}@localhost/${database}?${place}`;
}

/** The password of a role of an embedded server, for those who reach it another way. */
export function embeddedPassword(target: Target, user = "postgres"): string {
  assert.ok(target.kind === "socket" && target.passwordFile !== undefined);
  const any = { host: "*", port: "*", database: "*" };
  const found = findPassword(readFileSync(target.passwordFile, "utf8"), { ...any, user });
  assert.ok(found);
  return found;
}
