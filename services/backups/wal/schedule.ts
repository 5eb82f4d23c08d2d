import { existsSync } from "node:fs";
import { readArchiver } from "../../../db/backups/facts.ts";
import type { EmbeddedServer } from "../../../db/embedded/server.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import { describeDatabaseError } from "../../../db/errors.ts";
import type { Clock } from "../../../lib/clock.ts";
import { collectSpool, pruneArchive, spoolAge, sweepArchive } from "./archive.ts";
import type { ArchiveState } from "../report.ts";

/** How long one turn may compress. */
const turnMs = 30_000;

/** Takes finished WAL from the embedded server into the archive, and knows how far behind that is. */
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
  let damaged: readonly string[] = [];
  const stopping = new AbortController();
  let busy: Promise<void> | undefined;
  const isEnabled = () => walSeconds > 0 && embedded !== undefined && existsSync(embedded.spool);

  async function look(): Promise<void> {
    if (!embedded || !isEnabled()) return;
    try {
      const { failing, lastFailedWal, waitingSeconds, library } = await pool.run(readArchiver, {
        deadlineMs: 10_000,
      });
      lagSeconds = Math.max(waitingSeconds, await spoolAge(embedded.spool, clock.now().getTime()));
      if (library !== "basic_archive") {
        problem = "WAL is archived by something else: archive_library was changed";
      } else if (failing) problem = `the server could not hand over WAL segment ${lastFailedWal}`;
    } catch (error) {
      lagSeconds = null;
      problem = `the archiver cannot be asked: ${describeDatabaseError(error)}`;
    }
  }

  return {
    state: (): ArchiveState => ({
      enabled: isEnabled(),
      lagSeconds: isEnabled() ? lagSeconds : null,
      problem: isEnabled() ? problem ?? damaged[0] : undefined,
    }),
    /** What a check of the whole archive has found. */
    noteProblems(problems: readonly string[]) {
      damaged = problems;
    },
    look,
    /** Moves what waits, then looks how far behind it is. */
    async collect(archive: string): Promise<void> {
      if (!embedded || !isEnabled() || busy) return;
      const { spool } = embedded;
      busy = (async () => {
        // A long import leaves more than a minute's work: the rest waits for the next minute.
        const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(turnMs)]);
        problem = (await collectSpool(spool, archive, signal)).problem;
        await look();
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
