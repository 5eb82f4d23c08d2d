import { prepareFile } from "./prepare.ts";
import type { FileBatch, SourceFile } from "./source.ts";

/** Prepares a file and reads it as batches of `batchRows` rows. The same file always gives the same batches. */
export async function* readBatches(
  file: SourceFile,
  batchRows: number,
): AsyncGenerator<FileBatch> {
  const { batches } = await prepareFile(file);
  yield* batches(batchRows);
}
