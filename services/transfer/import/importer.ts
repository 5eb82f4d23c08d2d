import type { Client, InputOf } from "../../../client/client.ts";
import { HoldfastProblem, type InputFault } from "../../../client/problem.ts";
import { HoldfastError } from "../../../errors.ts";
import {
  optionNames,
  optionsDigest,
  type WrittenOptions,
} from "../../ingest/parse/mapping/options.ts";
import { reasonOf, refusalOf } from "../refusal.ts";
import { type PreparedFile, prepareFile } from "./prepare.ts";
import type { FileBatch, SourceFile } from "./source.ts";

/** A row that was not stored: where it stands in the file and in its batch, and what is wrong. */
export interface RowProblem {
  place: number;
  path: string;
  message: string;
}

/** A batch with rows in quarantine: an entry's line counts from the batch's first line. */
export interface SpoiltBatch {
  /** From 1. */
  number: number;
  firstPlace: number;
  rows: number;
}

export interface ImportProgress {
  file: SourceFile;
  bytesRead: number;
  rows: number;
  stored: number;
  skipped: number;
  quarantined: number;
  /** Rows of batches in which nothing was a tick, and what was said of the first. */
  refused: number;
  refusal: string | undefined;
  /** The first few rows that were not stored, and the first few batches they are in. */
  problems: RowProblem[];
  spoilt: SpoiltBatch[];
}

export const batchRows = 20_000;
const tries = 40;
const answerMs = 600_000;
const waitMsMax = 5_000;
const problemsKept = 20;
const contentTypes = {
  csv: "text/csv",
  ndjson: "application/x-ndjson",
  parquet: "application/x-ndjson",
} as const;

interface Answer {
  accepted: number;
  quarantined: number;
  replayed: boolean;
  errors?: InputFault[];
}

interface Refused {
  refused: string;
  errors: readonly InputFault[];
}

/** What is to be known of how to read the batches. */
function queryOf(mapping: WrittenOptions): NonNullable<InputOf<"storeTicks">["query"]> {
  const given = optionNames.filter((name) => mapping[name] !== undefined);
  return {
    create: true,
    backfill: true,
    ...Object.fromEntries(given.map((name) => [name, mapping[name]])),
  };
}

/** Prepares and loads one file. */
export async function importFile(
  file: SourceFile,
  hooks: ImportHooks,
): Promise<ImportProgress> {
  return await importPrepared(await prepareFile(file, { signal: hooks.signal }), hooks);
}

export interface ImportHooks {
  client: Client;
  onProgress: (progress: ImportProgress) => void;
  signal: AbortSignal;
  /** Told why a batch must be sent again later. */
  onWait?: (why: string, progress: ImportProgress) => void;
}

/**
 * Loads one file in batches, in order. Each batch carries a key made of the file's hash, of how it is read and of its
 * number, so that an import cut short goes on where it was, and a second import of the same file stores nothing twice.
 */
export async function importPrepared(
  { file, hash, mapping, batches }: PreparedFile,
  { client, onProgress, signal, onWait }: ImportHooks,
): Promise<ImportProgress> {
  const digest = optionsDigest(file.mapping);
  const key = `import-${hash}${digest && `-${digest}`}-${batchRows}`;
  const query = queryOf(mapping);
  const progress: ImportProgress = {
    file,
    bytesRead: 0,
    rows: 0,
    stored: 0,
    skipped: 0,
    quarantined: 0,
    refused: 0,
    refusal: undefined,
    problems: [],
    spoilt: [],
  };

  async function store(batch: FileBatch): Promise<Answer | Refused> {
    try {
      const { data, retries } = await client.send("storeTicks", {
        query,
        headers: { "idempotency-key": `${key}-${batch.index}` },
        type: contentTypes[file.format],
        body: batch.text,
      }, {
        signal,
        timeoutMs: answerMs,
        retry: {
          tries,
          maxMs: waitMsMax,
          onRetry: ({ problem }) => onWait?.(reasonOf(problem), progress),
        },
      });
      // Replayed after a retry: the first try had been stored, only its answer was lost.
      return { ...data, replayed: data.replayed && retries === 0 };
    } catch (error) {
      if (!(error instanceof HoldfastProblem)) throw error;
      if (error.status === 400) return { refused: error.message, errors: error.errors };
      throw refusalOf(
        error,
        ({ status, message }) =>
          new HoldfastError("malformed_body", `Holdfast refused the batch (${status}): ${message}`),
      );
    }
  }

  function note(batch: FileBatch, rows: number, errors: readonly InputFault[] = []): void {
    if (progress.spoilt.length < problemsKept) {
      progress.spoilt.push({ number: batch.index + 1, firstPlace: batch.placeOf(1), rows });
    }
    for (const { line = 1, path, message } of errors) {
      if (progress.problems.length >= problemsKept) return;
      progress.problems.push({ place: batch.placeOf(line), path, message });
    }
  }

  for await (const batch of batches(batchRows)) {
    const answer = await store(batch);
    progress.bytesRead = batch.bytesRead;
    progress.rows += batch.rows;
    if ("refused" in answer) {
      // A first batch without a tick is the wrong file; later, one bad stretch must not hold up the rest.
      if (batch.index === 0) throw new HoldfastError("malformed_body", answer.refused);
      progress.refused += batch.rows;
      progress.refusal ??= answer.refused;
      note(batch, batch.rows, answer.errors);
    } else if (answer.replayed) progress.skipped += answer.accepted + answer.quarantined;
    else {
      progress.stored += answer.accepted;
      progress.quarantined += answer.quarantined;
      if (answer.quarantined > 0) note(batch, answer.quarantined, answer.errors);
    }
    onProgress(progress);
  }
  return progress;
}
