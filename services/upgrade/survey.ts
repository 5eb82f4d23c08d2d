import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { RunAs } from "../../db/embedded/command.ts";
import {
  type Place,
  placeIn,
  placeOf,
  serverUser,
  upgradeFolder,
} from "../../db/embedded/place.ts";
import { major as currentMajor } from "../../db/embedded/session.ts";

/** What an upgrade of a data directory has to do with it. */
export interface Survey {
  /**
   * `none`: no cluster; `current`: nothing to move; `newer`: a later Postgres made it; `older`: to be moved; `switching`: moved
   * and compared, and cut short between the two renames.
   */
  state: "none" | "current" | "newer" | "older" | "switching";
  /** The major version to move from; of `switching` as well. */
  from: number;
  to: number;
  home: string;
  as: RunAs | undefined;
  /** The cluster in use. */
  old: Place;
  /** The cluster that is made. */
  fresh: Place;
  /** Where the old cluster is kept after the switch. */
  kept: string;
  /** Clusters that earlier upgrades kept. */
  keptBefore: string[];
}

const versionOf = (cluster: string): number | undefined => {
  const file = join(cluster, "PG_VERSION");
  return existsSync(file) ? Number(readFileSync(file, "utf8").trim()) : undefined;
};

/** The clusters, and the WAL beside them, that upgrades have kept in a data directory. */
function listKept(home: string): string[] {
  if (!existsSync(home)) return [];
  return readdirSync(home).filter((name) => /^(postgres|wal-spool)-\d+$/.test(name)).sort()
    .map((name) => join(home, name));
}

/** Looks at the files of a data directory; changes nothing. */
export function surveyUpgrade(dataDir: string): Survey {
  const to = Number(currentMajor);
  const as = serverUser(dataDir);
  const old = placeOf(dataDir, as);
  const home = dirname(old.cluster);
  const fresh = placeIn(join(home, upgradeFolder));
  const keptBefore = listKept(home);
  const found = versionOf(old.cluster);
  const moved = versionOf(fresh.cluster);
  const newest = keptBefore.map((path) => Number(/\/postgres-(\d+)$/.exec(path)?.[1] ?? 0));
  const from = found ?? Math.max(0, ...newest);
  const common = { from, to, home, old, fresh, kept: join(home, `postgres-${from}`), keptBefore };
  if (found === undefined) {
    const switching = moved === to && from > 0;
    return { ...common, as, state: switching ? "switching" : "none" };
  }
  const state = found === to ? "current" : found > to ? "newer" : "older";
  return { ...common, as, state };
}
