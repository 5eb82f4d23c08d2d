import {
  type ImportHooks,
  importPrepared,
  type ImportProgress,
} from "../../services/transfer/import/importer.ts";
import { prepareFile } from "../../services/transfer/import/prepare.ts";
import type { FileBatch, SourceFile } from "../../services/transfer/import/source.ts";

/** Prepares and imports one file. */
export async function importFile(file: SourceFile, hooks: ImportHooks): Promise<ImportProgress> {
  return await importPrepared(await prepareFile(file, { signal: hooks.signal }), hooks);
}

/** Prepares a file and reads it as batches of `batchRows` rows. */
export async function* readBatches(file: SourceFile, batchRows: number): AsyncGenerator<FileBatch> {
  const { batches } = await prepareFile(file);
  yield* batches(batchRows);
}
