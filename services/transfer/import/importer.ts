import type { Client, InputOf } from "../../../client/client.ts";
import { HoldfastProblem, type InputFault } from "../../../client/problem.ts";
import { HoldfastError } from "../../../errors.ts";
import {
  optionNames,
  optionsDigest,
  type WrittenOptions,
} from "../../ingest/parse/mapping/options.ts";
import { reasonOf, refusalOf } from "../refusal.ts";
import type { PreparedFile } from "./prepare.ts";
import type { FileBatch, SourceFile } from "./source.ts";

/** A row that was not stored: its place in the file, the field, and the fault. */
export interface RowProblem {
  place: number;
  path: string;
  message: string;
}

/** A batch with quarantined rows; the line of an entry counts from the batch's first line. */
export interface FaultyBatch {
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
  /** Rows of batches without a tick, and the reason of the first. */
  refused: number;
  refusal: string | undefined;
  /** The first rows that were not stored, and the first batches with such rows; at most 20 each. */
  problems: RowProblem[];
  faulty: FaultyBatch[];
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

/** Returns the query parameters that describe the format of the batches. */
function queryOf(mapping: WrittenOptions): NonNullable<InputOf<"storeTicks">["query"]> {
  const given = optionNames.filter((name) => mapping[name] !== undefined);
  return {
    create: true,
    backfill: true,
    ...Object.fromEntries(given.map((name) => [name, mapping[name]])),
  };
}

export interface ImportHooks {
  client: Client;
  onProgress: (progress: ImportProgress) => void;
  signal: AbortSignal;
  /** Called with the reason when a batch must be sent again later. */
  onWait?: (why: string, progress: ImportProgress) => void;
}

/**
 * Imports one file in batches, in order. Each batch has an idempotency key of the file's hash, its format and its number. An
 * interrupted import therefore continues where it stopped, and a second import of the same file stores nothing twice.
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
    faulty: [],
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
      // A replay after a retry: the first attempt was stored and only its answer was lost.
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
    if (progress.faulty.length < problemsKept) {
      progress.faulty.push({ number: batch.index + 1, firstPlace: batch.placeOf(1), rows });
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
      // A first batch without a tick shows a wrong file; a later one is skipped.
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
