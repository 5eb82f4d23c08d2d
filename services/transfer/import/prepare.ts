import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type CsvForm, readCsvForm } from "../../ingest/parse/mapping/csv_form.ts";
import {
  isOwnForm,
  readMappingOptions,
  type WrittenOptions,
} from "../../ingest/parse/mapping/options.ts";
import { splitRecord } from "../../ingest/parse/mapping/records.ts";
import { likelyUnit } from "../../ingest/parse/mapping/times.ts";
import { type BatchHeader, linesOf, readLineBatches } from "./line_batches.ts";
import { inspectParquet, readParquetBatches } from "./parquet.ts";
import type { FileBatch, SourceFile } from "./source.ts";

/** A file that was checked, so that its import does not stop halfway. */
export interface PreparedFile {
  file: SourceFile;
  /** SHA-256 of the file's bytes, which identifies it under any name. */
  hash: string;
  /** The format of its batches. */
  mapping: WrittenOptions;
  /** Columns that are ignored. */
  leftOut: readonly string[];
  batches(batchRows: number): AsyncIterable<FileBatch>;
}

export interface PrepareOptions {
  signal?: AbortSignal;
  /** Called with the fraction of the file that was checked, from 0 to 1. */
  onRead?: (fraction: number) => void;
  nowMs?: number;
}

interface Checked {
  hash: string;
  first: string | undefined;
  second: string | undefined;
}

/** Reads a file of lines once. Refuses incomplete gzip, other encodings and lines that are too long. */
async function checkLines(
  file: SourceFile,
  { signal, onRead }: PrepareOptions,
): Promise<Checked> {
  const hash = createHash("sha256");
  const firstLines: string[] = [];
  let read = 0;
  const lines = linesOf(file, (chunk) => {
    hash.update(chunk);
    read += chunk.length;
    onRead?.(read / file.bytes);
  });
  for await (const some of lines) {
    signal?.throwIfAborted();
    for (let at = 0; firstLines.length < 2 && at < some.length; at++) {
      const line = some[at]?.replace(/\r$/, "") ?? "";
      if (line.trim() !== "") firstLines.push(line);
    }
  }
  return { hash: hash.digest("hex"), first: firstLines[0], second: firstLines[1] };
}

/** Returns the unit of time of the first row, when the format allows several; all rows of a file have the same. */
function unitOf({ layout, delimiter }: CsvForm, row: string | undefined, nowMs: number) {
  const ts = layout.fields.find(({ field }) => field === "ts");
  const units = ts?.rule.units ?? [];
  if (!ts || row === undefined || units.length < 2) return undefined;
  const value = splitRecord(row, delimiter)?.[ts.at[0] ?? -1]?.trim() ?? "";
  const likely = likelyUnit(value, nowMs * 1000);
  return likely !== undefined && units.includes(likely) ? likely : undefined;
}

const quoted = (name: string, delimiter: string) =>
  name.includes(delimiter) || name.includes('"') ? `"${name.replaceAll('"', '""')}"` : name;

/** Determines the format from the first lines of CSV, so that every batch is read in the same way. */
function formatOf(
  { mapping }: SourceFile,
  { first, second }: Checked,
  nowMs: number,
): { header: BatchHeader | undefined; mapping: WrittenOptions; leftOut: readonly string[] } {
  if (first === undefined) return { header: undefined, mapping, leftOut: [] };
  const form = readCsvForm(first, readMappingOptions(mapping));
  const { layout: { names, leftOut }, delimiter, isHeader } = form;
  const text = isHeader ? first : names.map((name) => quoted(name, delimiter)).join(delimiter);
  const header = { text, isInFile: isHeader };
  if (isOwnForm(mapping)) return { header, mapping, leftOut };
  const unit = mapping.time_unit ?? unitOf(form, isHeader ? second : first, nowMs);
  return {
    header,
    mapping: { ...mapping, header: "true", delimiter, ...(unit ? { time_unit: unit } : {}) },
    leftOut,
  };
}

async function hashOf({ path }: SourceFile, signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) {
    signal?.throwIfAborted();
    hash.update(chunk);
  }
  return hash.digest("hex");
}

/** Checks a file. Throws a HoldfastError that says why its import would fail. */
export async function prepareFile(
  file: SourceFile,
  options: PrepareOptions = {},
): Promise<PreparedFile> {
  if (file.format === "parquet") {
    const hash = await hashOf(file, options.signal);
    const plan = await inspectParquet(file, options);
    return {
      file,
      hash,
      mapping: file.mapping,
      leftOut: plan.leftOut,
      batches: (rows) => readParquetBatches(file, plan, rows),
    };
  }
  const checked = await checkLines(file, options);
  const { hash } = checked;
  if (file.format === "ndjson") {
    return {
      file,
      hash,
      mapping: file.mapping,
      leftOut: [],
      batches: (rows) => readLineBatches(file, undefined, rows),
    };
  }
  const { header, mapping, leftOut } = formatOf(file, checked, options.nowMs ?? Date.now());
  return {
    file,
    hash,
    mapping,
    leftOut,
    batches: (rows) => readLineBatches(file, header, rows),
  };
}
