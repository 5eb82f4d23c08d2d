import { existsSync } from "node:fs";
import { readArchiver } from "../../../db/backups/facts.ts";
import type { EmbeddedServer } from "../../../db/embedded/server.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import { describeDatabaseError } from "../../../db/errors.ts";
import type { Clock } from "../../../lib/clock.ts";
import { collectSpool, pruneArchive, spoolAge, sweepArchive } from "./archive.ts";
import type { ArchiveState } from "../report.ts";

/** Longest that one minute's run may compress. */
const collectMs = 30_000;

/** Creates the archiver, which moves finished WAL from the embedded server into the archive and measures its lag. */
export function createArchiver(
  { embedded, pool, clock, walSeconds }: {
    embedded: Pick<EmbeddedServer, "spool"> | undefined;
    pool: Pool;
    clock: Clock;
    walSeconds: number;
  },
) {
  let lagSeconds: number | null = null;
  let problem: string | undefined;
  let spoolProblem: string | undefined;
  let damaged: readonly string[] = [];
  let lastArchived: string | undefined;
  const stopping = new AbortController();
  let busy: Promise<void> | undefined;
  const isEnabled = () => walSeconds > 0 && embedded !== undefined && existsSync(embedded.spool);

  async function refresh(): Promise<void> {
    if (!embedded || !isEnabled()) return;
    try {
      const found = await pool.run(readArchiver, { deadlineMs: 10_000 });
      const { failing, lastFailedWal, waitingSeconds, library } = found;
      lastArchived = found.lastArchivedWal ?? undefined;
      lagSeconds = Math.max(waitingSeconds, await spoolAge(embedded.spool, clock.now().getTime()));
      if (library !== "basic_archive") {
        problem = "archive_library was changed: WAL no longer goes to Holdfast's archive";
      } else if (!failing) problem = undefined;
      else problem = `the server failed to archive WAL segment ${lastFailedWal}`;
    } catch (error) {
      lagSeconds = null;
      problem = `the state of the archiver cannot be read: ${describeDatabaseError(error)}`;
    }
  }

  return {
    state: (): ArchiveState => ({
      enabled: isEnabled(),
      lagSeconds: isEnabled() ? lagSeconds : null,
      problem: isEnabled() ? problem ?? spoolProblem ?? damaged[0] : undefined,
    }),
    /** Returns the newest file that the server had handed over when last asked; undefined when that is not known. */
    lastArchived: () => lastArchived,
    /** Records what a verification of the archive has found. */
    noteProblems(problems: readonly string[]) {
      damaged = problems;
    },
    /** Reads the lag and the problems of the server's archiver. */
    refresh,
    /** Moves what waits, then refreshes. */
    async collect(archive: string): Promise<void> {
      if (!embedded || !isEnabled() || busy) return;
      const { spool } = embedded;
      busy = (async () => {
        // A long import leaves more than this: the rest waits for the next minute.
        const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(collectMs)]);
        spoolProblem = (await collectSpool(spool, archive, signal)).problem;
        await refresh();
      })();
      try {
        await busy;
      } finally {
        busy = undefined;
      }
    },
    sweep: (archive: string) => sweepArchive(embedded?.spool, archive),
    async prune(archive: string, first: string | undefined, segmentBytes: number | undefined) {
      if (!embedded || !isEnabled()) return;
      await pruneArchive(archive, first, segmentBytes ?? 16 * 1024 * 1024);
    },
    async stop() {
      stopping.abort();
      await busy?.catch(() => {});
    },
  };
}

export type Archiver = ReturnType<typeof createArchiver>;
