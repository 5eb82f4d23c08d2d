import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Sql } from "../../../db/connection.ts";
import { forgetArchive, recordArchive } from "../../../db/partitions/proof/archives.ts";
import { describeLeaf, readBlocks } from "../../../db/partitions/proof/content.ts";
import { logMaintenance } from "../../../db/partitions/records/log.ts";
import { readManifest } from "../../../db/partitions/proof/sealed.ts";
import { readSealMark } from "../../../db/partitions/catalogue/storage.ts";
import { HoldfastError } from "../../../errors.ts";
import type { Step } from "../planning/step.ts";
import { hashOf, Manifest, type Tally } from "../sealing/manifest.ts";
import { proveCount, withStatistics } from "../sealing/ordinary.ts";
import { createSealing } from "../sealing/seal_step.ts";
import { verifySealed } from "../sealing/verify.ts";
import {
  leafTable,
  leafText,
  type LockedCheck,
  type StepHandlers,
  type StepTools,
} from "../execution/step_tools.ts";
import {
  type ArchiveFiles,
  archivePath,
  checkArchive,
  clearPartials,
  damageOf,
  diskFiles,
  readReceipt,
  type Receipt,
  writeArchiveFiles,
} from "./files.ts";
import { tallyArchive } from "./read.ts";
import { encodeArchive, type Written } from "./write.ts";

/** Approximate limits of one fetch: rows, and bytes of the table with its indexes and TOAST. */
const fetchedRows = 20_000;
const fetchedBytes = 32 * 1024 * 1024;
const longestMs = 55 * 60_000;

const equals = (manifest: Manifest, tally: Tally) =>
  tally.rows === manifest.rows && hashOf(tally) === manifest.content_hash;

async function* readLeaf(
  sql: Sql,
  step: Step,
  { columns, rows }: Manifest,
  { blocks, bytes }: { blocks: number; bytes: number },
): AsyncGenerator<Uint8Array[]> {
  const share = Math.min(fetchedRows / Math.max(1, rows), fetchedBytes / Math.max(1, bytes));
  const stride = Math.max(1, Math.floor(blocks * share));
  for (let from = 0; from < blocks; from += stride) {
    yield await readBlocks(sql, leafTable(step), columns, {
      from,
      to: Math.min(from + stride, blocks),
    });
  }
}

/**
 * Makes the steps of sealing, archiving and the check before a drop. `directory` is where archives are stored. A leaf is
 * archived when its file was read back from disk, row by row, and equals what was sealed.
 */
export function createArchiving(
  tools: StepTools,
  directory: string,
  files: ArchiveFiles = diskFiles,
): StepHandlers {
  const { pool, context, clock, entry } = tools;
  const sealing = createSealing(tools);

  async function manifestOf(step: Step): Promise<Manifest> {
    const kept = await pool.run((sql) => readManifest(sql, step.oid ?? 0));
    return kept === undefined ? await sealing.seal(step) : Manifest.parse(kept);
  }

  /** Reads what was written back from disk, before it gets its name. */
  async function prove(
    path: string,
    manifest: Manifest,
    file: string,
    written: Written,
  ): Promise<Receipt> {
    if (!equals(manifest, written.tally)) {
      throw new HoldfastError(
        "conflict",
        `${manifest.partition} is not what was sealed: it has ${written.tally.rows} rows, its manifest ${manifest.rows}, or other content; verify names the difference`,
      );
    }
    const receipt: Receipt = {
      holdfast_archive: 1,
      parquet: { file, bytes: written.bytes, sha256: written.sha256 },
      archived_at: clock.now().toISOString(),
      manifest,
    };
    const damage = await damageOf(path, receipt);
    const read = await tallyArchive(path, manifest.columns);
    if (damage !== undefined || !equals(manifest, read)) {
      throw new HoldfastError(
        "conflict",
        `The archive of ${manifest.partition} differs from what was written${
          damage === undefined ? "" : `: ${damage}`
        }`,
      );
    }
    return receipt;
  }

  async function write(step: Step, manifest: Manifest, path: string): Promise<Receipt> {
    return await pool.run(async (sql) => {
      const leaf = await describeLeaf(sql, step.oid ?? 0);
      if (!leaf) throw new HoldfastError("conflict", `${leafText(step)} does not exist any more`);
      let written: Written | undefined;
      const chunks = encodeArchive(
        manifest.columns,
        readLeaf(sql, step, manifest, leaf),
        { createdBy: "holdfast", written: (what) => written = what },
      );
      return await writeArchiveFiles(
        path,
        chunks,
        (partial) => {
          if (!written) throw new Error("the archive was not written");
          return prove(partial, manifest, archivePath(manifest), written);
        },
        files,
      );
    }, { deadlineMs: longestMs });
  }

  /** Returns the receipt of an earlier run that ended before it could record its files, if they are intact. */
  async function found(path: string, manifest: Manifest): Promise<Receipt | undefined> {
    const receipt = await readReceipt(path).catch(() => undefined);
    if (!receipt || receipt.manifest.content_hash !== manifest.content_hash) return undefined;
    const whole = await damageOf(path, receipt) === undefined &&
      equals(manifest, await tallyArchive(path, manifest.columns));
    return whole ? receipt : undefined;
  }

  async function archive(step: Step): Promise<void> {
    const started = performance.now();
    const manifest = await manifestOf(step);
    const path = join(directory, archivePath(manifest));
    await clearPartials(path);
    const receipt = await found(path, manifest) ?? await write(step, manifest, path);
    await withStatistics(pool, step, () =>
      pool.transaction(async (sql) => {
        await proveCount(sql, step, manifest.rows);
        await recordArchive(sql, {
          parent: step.parent,
          leaf: leafTable(step),
          oid: step.oid ?? 0,
          bound: manifest.bound,
          file: receipt.parquet.file,
          bytes: receipt.parquet.bytes,
          sha256: receipt.parquet.sha256,
          rows: manifest.rows,
          contentHash: manifest.content_hash,
          at: clock.now(),
        });
        await logMaintenance(sql, [entry(step, started, undefined)]);
      }, { deadlineMs: longestMs }));
  }

  /** Checks before a drop that the file and the leaf are unchanged. Returns what is left to check under the drop's lock. */
  async function proveDrop(step: Step): Promise<LockedCheck | undefined> {
    if (step.detached?.action !== "archive-then-drop") return undefined;
    const refuse = (why: string): never => {
      throw new HoldfastError("conflict", `${leafText(step)} is not dropped: ${why}`);
    };
    const mark = await pool.run((sql) => readSealMark(sql, step.oid ?? 0));
    const kept = await pool.run((sql) => readManifest(sql, step.oid ?? 0));
    if (kept === undefined) return refuse("it is not sealed");
    const manifest = Manifest.parse(kept);
    const path = join(directory, archivePath(manifest));
    const archived = await checkArchive(path);
    if ("damage" in archived) {
      await pool.run((sql) => forgetArchive(sql, step.oid ?? 0));
      return refuse(`${archived.damage}; it will be archived again`);
    }
    const { parquet } = archived.receipt;
    const [verdict] = await pool.run(
      (sql) =>
        verifySealed(sql, { table: step.table, partition: leafText(step), signal: context.signal }),
      { deadlineMs: longestMs },
    );
    if (verdict?.status !== "intact") {
      refuse(`it differs from what was archived (${verdict?.problems.join("; ") ?? "not found"})`);
    }
    return async (sql) => {
      // The triggers refused every write since before the leaf was read.
      if (await readSealMark(sql, step.oid ?? 0) !== mark) {
        refuse("its triggers or its structure changed while it was compared with its archive");
      }
      await proveCount(sql, step, manifest.rows);
      const still = await stat(path).catch(() => undefined);
      if (still?.size !== parquet.bytes || await readReceipt(path) === undefined) {
        refuse(`its archive ${path} is missing`);
      }
    };
  }

  return {
    seal: async (step) => void await sealing.seal(step),
    archive,
    drop: proveDrop,
  };
}
