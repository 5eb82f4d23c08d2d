import { resolve } from "node:path";
import type { Logger } from "../../log.ts";
import type { Target } from "../connection.ts";
import { ensureAccess } from "./access.ts";
import { ArchiveSwitch } from "./archiving.ts";
import { findPrograms } from "./binaries.ts";
import { prepareCluster } from "./cluster.ts";
import { choosePlace, nearest, serverUser, sharedHome } from "./place.ts";
import { ownRole, superuser } from "./secrets.ts";
import { ServerProcess } from "./server_process.ts";

export interface EmbeddedServer {
  /** The database as Holdfast's own role, which is no superuser. */
  target: Target & { kind: "socket" };
  /** The database as superuser: for what no other role may do, at a start. */
  admin: Target & { kind: "socket" };
  /**
   * Starts the server, or adopts one that a killed Holdfast left running. Throws a StartError, or `storage_full` where the disk
   * lacks the space: a retry may help.
   */
  start(): Promise<"started" | "adopted">;
  isRunning(): Promise<boolean>;
  /** Stops it fast: sessions end, everything is flushed. Kills it where it does not answer. */
  stop(): Promise<void>;
  /** Stops it immediately, within two seconds, also while it starts; the next start recovers from its WAL. */
  stopNow(): Promise<void>;
  directory: string;
  /** The directory that finished WAL is archived to. */
  spool: string;
  /** Switches archiving to the spool on, also for the time after a restart. */
  startArchiving(): Promise<void>;
}

/** Makes the embedded Postgres of a data directory. Starts nothing; `start` makes the cluster at the first start. */
export async function createEmbeddedServer(
  { dataDir, log, walSeconds = 300 }: {
    dataDir: string;
    log: Logger;
    /** Seconds after which an unfinished WAL segment with changes is archived; 0: WAL is never archived. */
    walSeconds?: number;
  },
): Promise<EmbeddedServer> {
  const as = serverUser(dataDir);
  const cwd = nearest(resolve(dataDir));
  const binaries = await findPrograms({ as, home: sharedHome, cwd });
  const place = choosePlace(dataDir, { as, entered: binaries.entered });
  const target = {
    kind: "socket" as const,
    directory: place.sockets,
    port: 5432,
    user: ownRole,
    database: "holdfast",
    passwordFile: place.passwords,
  };
  const admin = { ...target, user: superuser };
  const server = new ServerProcess({ place, pgCtl: binaries.pgCtl, as, log });
  const archiving = new ArchiveSwitch(admin, { place, as, walSeconds });

  return {
    target,
    admin,
    directory: place.cluster,
    spool: place.spool,
    startArchiving: () => archiving.turnOn(),
    isRunning: () => server.isRunning(),
    async start() {
      server.allowStart();
      const secrets = await prepareCluster({ binaries, place, as, walSeconds, log });
      let running = await server.isRunning();
      if (running && await server.isFrozen()) {
        await server.kill();
        running = false;
      }
      if (!running) await server.start();
      await ensureAccess({ place, as, secrets, admin, reload: () => server.reload(), log });
      return running ? "adopted" : "started";
    },
    stop: () => server.stop(),
    stopNow: () => server.stopNow(),
  };
}
