import { join } from "node:path";
import type { Place } from "./place.ts";

/** A cause that no further try ends, by what the server's log says of it. */
const lasting: { said: RegExp; line: (cluster: string, match: RegExpExecArray) => string }[] = [
  {
    said:
      /incorrect checksum in control file|could not (?:read|open) file "[^"]*global\/pg_control"|control file .*(?:invalid|corrupt)|database files are incompatible with server/i,
    line: (cluster) =>
      `the control file ${
        join(cluster, "global", "pg_control")
      } is damaged; keep the directory, restore the newest backup (deno task restore --to DIR) and use that one`,
  },
  {
    said: /could not locate a valid checkpoint record|invalid (?:primary )?checkpoint record/,
    line: (cluster) =>
      `the write-ahead log in ${
        join(cluster, "pg_wal")
      } is damaged; keep the directory, restore the newest backup (deno task restore --to DIR) and use that one`,
  },
  {
    said: /pre-existing shared memory block .* is still in use/,
    line: (cluster) =>
      `another Postgres still runs on ${cluster}, and not as Holdfast starts it; stop it first (pg_ctl stop --pgdata ${cluster})`,
  },
  {
    said: /data directory "[^"]*" has (?:wrong ownership|invalid permissions)/,
    line: (cluster) =>
      `${cluster} must belong to the user that Postgres runs as, with mode 0700; give it back (chown -R, chmod 0700)`,
  },
  {
    said:
      /(?:configuration file|file) "([^"]+)" contains errors|unrecognized configuration parameter/,
    line: (cluster, match) =>
      `the settings in ${
        match[1] ?? join(cluster, "postgresql.auto.conf")
      } are not valid; postgres.log beside the cluster says which, take that line out`,
  },
  {
    said:
      /could not map anonymous shared memory|could not create shared memory|Cannot allocate memory/,
    line: () =>
      "there is too little memory for its 256 MB of buffers; give the machine or the container more",
  },
];

/** Says in one line why a server does not start and what to do; undefined where trying again may help. */
export function whyItDoesNotStart(log: string, place: Pick<Place, "cluster">): string | undefined {
  for (const { said, line } of lasting) {
    const match = said.exec(log);
    if (match) return `The embedded Postgres does not start: ${line(place.cluster, match)}`;
  }
  return undefined;
}

/** Says whether initdb ended because it was interrupted; it reports a signal that it catches. */
export const isInterrupted = (signal: string | null, output: string): boolean =>
  ["SIGINT", "SIGTERM", "SIGHUP"].includes(signal ?? "") || /\bcaught signal$/m.test(output);

/** Says in one line why initdb failed. */
export function whyItIsNotMade(output: string, uid: number | undefined): string | undefined {
  if (/could not look up effective user ID|user does not exist/.test(output)) {
    return `The user id ${uid} has no entry in /etc/passwd, and Postgres' initdb needs its name; add one ` +
      `(echo "holdfast:x:${uid}:0::/:/sbin/nologin" >> /etc/passwd), run as a user that has one, or set DATABASE_URL`;
  }
  return undefined;
}
