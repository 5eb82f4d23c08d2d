import type { Config } from "../../../config/config.ts";
import { storeAnswers } from "../../../db/market/idempotency.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import { HoldfastError } from "../../../errors.ts";
import type { FeedCounter, Feeds } from "../judge/feeds.ts";
import { type Committed, createTally, type IngestAnswer, type Tally } from "../upload.ts";
import type { SmallUpload } from "./group_commit.ts";
import { claimAnswers, replay } from "./idempotency.ts";
import { mayConcernOne, storeApart } from "./isolation.ts";
import type { WriteSessions } from "./session.ts";
import type { Writer } from "./writer.ts";

export interface SmallUploadsOptions {
  /** Connections for groups of small uploads, apart from those of large ones: neither can starve the other. */
  lanes: Pool;
  sessions: WriteSessions;
  feeds: Feeds;
  config: Pick<Config, "HOLDFAST_STATEMENT_TIMEOUT_MS">;
  committed: Committed;
}

interface Outcome {
  answer: IngestAnswer | HoldfastError;
  reasons: Record<string, number>;
}

/**
 * Stores small uploads in one transaction and returns an answer for each, in order. When the transaction fails for a
 * reason that may concern one upload only, stores each in a transaction of its own.
 */
export async function storeSmallUploads(
  uploads: readonly SmallUpload[],
  options: SmallUploadsOptions,
): Promise<(IngestAnswer | HoldfastError)[]> {
  const { sessions, config } = options;
  try {
    return await storeTogether(uploads, options);
  } catch (error) {
    const fault = sessions.explain(error);
    if (uploads.length === 1 || !mayConcernOne(fault)) throw fault;
  }
  return await storeApart(uploads, {
    withinMs: config.HOLDFAST_STATEMENT_TIMEOUT_MS,
    async storeOne(upload) {
      const [answer] = await storeTogether([upload], options)
        .catch((error) => [sessions.explain(error)]);
      if (!answer) throw new Error("An upload was stored without an answer");
      return answer;
    },
  });
}

/** One transaction and one COPY for all of `uploads`. */
async function storeTogether(
  uploads: readonly SmallUpload[],
  { lanes, sessions, feeds, committed }: SmallUploadsOptions,
): Promise<(IngestAnswer | HoldfastError)[]> {
  const counter = feeds.begin();
  const outcomes = await lanes.pipelinedTransaction((sql, opened) =>
    sessions.withWriter(sql, async (writer) => {
      const keys = uploads.flatMap(({ key }) => key ?? []);
      if (keys.length > 0) await opened; // a key claimed without a transaction would stay claimed
      const claimed = claimAnswers(sql, keys, () => writer.pause());
      // Sent together with the claim, which decides only what is written into the COPY.
      writer.sendAhead(uploads);
      const stored = await claimed;
      const fresh = uploads.filter(({ key }) => key === undefined || !stored.has(key));
      const { tallies, sent } = await write(writer, fresh, { sessions, counter });
      const kept = storeAnswers(
        sql,
        [...tallies].flatMap(([{ key, fingerprint }, tally]) =>
          key === undefined ? [] : { key, fingerprint: fingerprint(), answer: tally.answer() }
        ),
      );
      kept.catch(() => {}); // thrown by the transaction
      const answer = uploads.map((upload): Outcome => {
        const tally = tallies.get(upload);
        if (tally) return { answer: tally.answer(), reasons: tally.reasons };
        const before = upload.key === undefined ? undefined : stored.get(upload.key);
        if (!before) throw new Error("An upload of a group was neither stored nor replayed");
        return { answer: replay(before, upload.fingerprint()), reasons: {} };
      });
      return { answer, last: [...sent, kept] };
    }, { opened })
  );
  counter.commit();
  for (const { answer, reasons } of outcomes) {
    if (!(answer instanceof HoldfastError) && !answer.replayed) committed(answer, reasons);
  }
  return outcomes.map(({ answer }) => answer);
}

/** Sends the ticks of `uploads` and counts them while the server works on the statements of `sent`. */
async function write(
  writer: Writer,
  uploads: readonly SmallUpload[],
  { sessions, counter }: { sessions: WriteSessions; counter: FeedCounter },
): Promise<{ tallies: Map<SmallUpload, Tally>; sent: Promise<unknown>[] }> {
  const written = await writer.write(uploads.map(({ batch, create, backfill }) => ({
    batch,
    create,
    limits: sessions.limits(backfill),
  })));
  const tallies = new Map(uploads.map((upload, at) => {
    const tally = createTally();
    const { stored, refusals } = written[at] ?? { stored: 0, refusals: [] };
    tally.add(stored, refusals);
    counter.add(upload.batch.ticks, refusals);
    return [upload, tally];
  }));
  return { tallies, sent: await writer.finishPipelined() };
}
