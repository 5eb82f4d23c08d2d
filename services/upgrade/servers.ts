import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type ScratchServer, startScratch, stopLeftover } from "../../db/backups/cluster.ts";
import { findPrograms } from "../../db/embedded/binaries.ts";
import { prepareCluster } from "../../db/embedded/cluster.ts";
import { ownedDirectory, ownedFile } from "../../db/embedded/files.ts";
import { placeIn, sharedHome, upgradeFolder } from "../../db/embedded/place.ts";
import type { Logger } from "../../log.ts";
import type { MoveServers } from "./databases.ts";
import type { Survey } from "./survey.ts";

/** Tables that one transaction may lock: pg_dump and its output lock all of a database. */
const locks = { max_locks_per_transaction: "2048" };

/** Gives whole tables in their physical order, so that both sides are read alike. */
const common = { ...locks, synchronize_seqscans: "off" };

const readOnly = { ...common, default_transaction_read_only: "on" };

/** Without WAL of rows that the old cluster still holds; the last checkpoint writes everything. */
const loading = {
  ...common,
  wal_level: "minimal",
  max_wal_senders: "0",
  max_wal_size: "4GB",
  shared_buffers: "256MB",
  maintenance_work_mem: "256MB",
};

/** Longest start of either server, recovery of a killed one included; milliseconds. */
const startMsMax = 600_000;

/** The folder of an upgrade, where both servers have their sockets, settings and logs. */
async function prepareFolder({ fresh, home, as }: Survey) {
  const folder = join(home, upgradeFolder);
  await ownedDirectory(folder, 0o700, as);
  const old = placeIn(join(folder, "old"));
  await ownedDirectory(join(folder, "old"), 0o700, as);
  const emptyConf = join(folder, "old", "upgrade.conf");
  await ownedFile(emptyConf, "", "write", as);
  // Nobody else can enter the folder of the socket.
  await ownedFile(`${emptyConf}.hba`, "local all postgres trust\n", "write", as);
  await ownedFile(`${emptyConf}.ident`, "", "write", as);
  for (const { sockets } of [old, fresh]) await ownedDirectory(sockets, 0o700, as);
  for (const { log } of [old, fresh]) await ownedFile(log, "", "append", as);
  return { emptyConf, oldSockets: old.sockets, oldLog: old.log };
}

export interface Servers extends MoveServers {
  stop(): Promise<void>;
}

/** Starts the old server alone; it changes no row. */
export async function startOld(
  survey: Survey,
  { pgCtl, signal }: { pgCtl: string; signal: AbortSignal },
): Promise<ScratchServer> {
  const { as, old } = survey;
  const { emptyConf, oldSockets, oldLog } = await prepareFolder(survey);
  await stopLeftover({ pgCtl, data: old.cluster, as });
  return await startScratch({
    pgCtl,
    data: old.cluster,
    sockets: oldSockets,
    emptyConf,
    log: oldLog,
    as,
    recovery: {},
    durable: true,
    settings: readOnly,
    timeoutMs: startMsMax,
    signal,
  });
}

/** Starts the old server, and the new one on a cluster that is made where there is none. */
export async function startBoth(
  survey: Survey,
  { pgCtl, signal, log }: { pgCtl: string; signal: AbortSignal; log: Logger },
): Promise<Servers> {
  const { as, fresh } = survey;
  const { emptyConf } = await prepareFolder(survey);
  const binaries = await findPrograms({ as, home: sharedHome });
  await stopLeftover({ pgCtl: binaries.pgCtl, data: fresh.cluster, as });
  await prepareCluster({ binaries, place: fresh, as, walSeconds: 0, log });
  const old = await startOld(survey, { pgCtl, signal });
  try {
    const made = await startScratch({
      pgCtl: binaries.pgCtl,
      data: fresh.cluster,
      sockets: fresh.sockets,
      emptyConf,
      log: fresh.log,
      as,
      recovery: {},
      durable: true,
      settings: loading,
      timeoutMs: startMsMax,
      signal,
    });
    return {
      old,
      fresh: made,
      async stop() {
        await made.stop("fast");
        await old.stop("fast");
      },
    };
  } catch (error) {
    await old.stop("fast");
    throw error;
  }
}

/** Removes what an interrupted upgrade has made, after stopping a server that still runs on it; the old cluster stays. */
export async function removeUnfinished({ fresh, home, as }: Survey): Promise<void> {
  const { pgCtl } = await findPrograms({ as, home: sharedHome });
  await stopLeftover({ pgCtl, data: fresh.cluster, as });
  await rm(join(home, upgradeFolder), { recursive: true, force: true });
}
