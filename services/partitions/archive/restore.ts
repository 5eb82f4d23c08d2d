import { isAbsolute, join, relative, resolve } from "node:path";
import type { Sql } from "../../../db/connection.ts";
import {
  attachStatements,
  createStatements,
  type LockedStatement,
  type TableName,
} from "../../../db/partitions/ddl.ts";
import { presentTable } from "../../../db/partitions/catalogue/leaves.ts";
import { holdRotationLock, lockPartitionChanges } from "../../../db/partitions/lock.ts";
import { logMaintenance } from "../../../db/partitions/records/log.ts";
import {
  type ArchiveRow,
  listArchives,
  recordRestored,
} from "../../../db/partitions/proof/archives.ts";
import { describeLeaf } from "../../../db/partitions/proof/content.ts";
import { beginSeal, finishSeal, sealStatements } from "../../../db/partitions/proof/sealed.ts";
import { analyzeTable, runStatements } from "../../../db/partitions/run.ts";
import { abortablePool } from "../../../db/pool/abortable.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import { allowIdle, setLockTimeout, setStatementTimeout } from "../../../db/session/transaction.ts";
import { HoldfastError } from "../../../errors.ts";
import type { Clock } from "../../../lib/clock.ts";
import { unattended, type WorkContext } from "../../requests/work.ts";
import { measureContent } from "../sealing/content.ts";
import { hashOf, type Manifest } from "../sealing/manifest.ts";
import { damageOf, readReceipt } from "./files.ts";
import { loadArchive } from "./load.ts";
import {
  readRestoreTarget,
  refuseRestore as refuse,
  type RestoreTarget,
  type TargetOptions,
} from "./restore_target.ts";

export interface RestoreRequest {
  table: string;
  /** The leaf's name, with or without its schema; or `file`, below the archive directory. */
  partition?: string | undefined;
  file?: string | undefined;
  /** How long retention keeps the leaf. */
  holdSeconds: number;
}

export interface Restored {
  table: string;
  partition: string;
  rows: number;
  content_hash: string;
  bound: string;
  held_until: string;
  duration_ms: number;
}

export interface Archives {
  list(
    page: { table?: string | undefined; limit: number; before?: string | undefined },
  ): Promise<ArchiveRow[]>;
  /** Loads an archived leaf and attaches it, in one transaction. Throws `conflict` with the reason when it cannot. */
  restore(request: RestoreRequest, context?: WorkContext): Promise<Restored>;
}

const longestMs = 55 * 60_000;
const rotationWaitMs = 10_000;
const attachLockMs = 2_000;
const archivesMax = 1_000;

export interface ArchiveOptions extends TargetOptions {
  pool: Pool;
  clock: Clock;
  /** Where archives are stored. */
  directory: string;
  onChange?: () => void;
}

interface FoundArchive {
  path: string;
  /** Undefined when the request named the file. */
  row: ArchiveRow | undefined;
}

/** Returns the path of a file below the archive directory. Throws `invalid_request` for any other. */
function pathInside(directory: string, file: string): string {
  const inside = relative(directory, resolve(directory, file));
  if (inside.startsWith("..") || isAbsolute(inside) || !inside.endsWith(".parquet")) {
    const message = "must be a .parquet below the archive directory";
    throw new HoldfastError("invalid_request", `file: ${message}`, {
      problems: [{ path: "file", message }],
    });
  }
  return join(directory, inside);
}

async function findArchive(
  { pool, directory }: ArchiveOptions,
  { table, partition, file }: RestoreRequest,
): Promise<FoundArchive> {
  if (file !== undefined) return { path: pathInside(directory, file), row: undefined };
  const rows = await pool.run((sql) => listArchives(sql, { table, limit: archivesMax }));
  const row = rows.find(({ leaf_schema, leaf_name }) =>
    leaf_name === partition || `${leaf_schema}.${leaf_name}` === partition
  );
  if (!row) {
    throw new HoldfastError("not_found", `There is no archive of ${partition} of ${table}`);
  }
  return { path: join(directory, row.file), row };
}

/** Throws unless the new table has the types of the file: only then may they become part of a statement. */
async function checkColumns(
  sql: Sql,
  oid: number,
  { partition, columns }: Manifest,
): Promise<void> {
  const found = await describeLeaf(sql, oid);
  const types = new Map(found?.columns.map(({ name, type }) => [name, type]));
  const other = columns.find(({ name, type }) => types.get(name) !== type);
  if (!other) return;
  const present = types.get(other.name) ?? "no such column";
  refuse(`${partition} was archived with ${other.name} ${other.type}; the table has ${present}`);
}

/** Throws unless the loaded table has the count and the hash of the manifest. */
async function checkContent(
  sql: Sql,
  manifest: Manifest,
  oid: number,
  leaf: TableName,
  { report, signal }: WorkContext,
): Promise<void> {
  const step = "compare the rows with the manifest";
  report({ step, done: 0, of: manifest.rows, unit: "rows" });
  const found = await describeLeaf(sql, oid);
  const { total } = await measureContent(sql, {
    leaf,
    columns: manifest.columns,
    key: manifest.key,
    thresholds: manifest.thresholds,
    blocks: found?.blocks ?? 0,
    nested: true,
    signal,
    onProgress: (_blocks, done) => report({ step, done, of: manifest.rows, unit: "rows" }),
  }, (a, b) => a < b);
  if (total.rows !== manifest.rows || hashOf(total) !== manifest.content_hash) {
    refuse(`The loaded rows differ from what ${manifest.partition} held: nothing was attached`);
  }
}

/** Creates the leaf and loads the rows of its archive; returns its oid. */
async function loadLeaf(
  sql: Sql,
  { leaf, template, parent }: RestoreTarget,
  { path, manifest }: { path: string; manifest: Manifest },
  context: WorkContext,
): Promise<number> {
  const child = { schema: leaf.parent.schema, table: leaf.name };
  if (await presentTable(sql, child)) {
    refuse(
      `${child.schema}.${child.table} still exists; lengthen the retention to attach it again, or rename it`,
    );
  }
  await runStatements(sql, createStatements(leaf, template));
  const oid = (await presentTable(sql, child))?.oid ?? 0;
  await checkColumns(sql, oid, manifest);
  await loadArchive(sql, path, manifest, { leaf: child, writable: parent.columns }, context);
  await checkContent(sql, manifest, oid, child, context);
  return oid;
}

/** Seals a loaded leaf with the manifest of its archive. */
async function sealLeaf(
  sql: Sql,
  { leaf }: RestoreTarget,
  { oid, manifest, at, heldUntil }: { oid: number; manifest: Manifest; at: Date; heldUntil: Date },
): Promise<void> {
  const child = { schema: leaf.parent.schema, table: leaf.name };
  await setStatementTimeout(sql, longestMs);
  await runStatements(sql, sealStatements(child));
  await beginSeal(sql, { parent: leaf.parent, leaf: child, oid, bound: manifest.bound, at });
  await finishSeal(sql, { oid, manifest, at, heldUntil });
}

async function attachLeaf(
  sql: Sql,
  { leaf, template, attachLock }: RestoreTarget,
): Promise<LockedStatement[]> {
  await setLockTimeout(sql, attachLockMs);
  await lockPartitionChanges(sql);
  const statements = attachStatements(leaf, template, { attachLock, populated: true });
  await runStatements(sql, statements);
  return statements;
}

async function restoreArchive(
  { pool, clock, ...options }: ArchiveOptions,
  { path, row }: FoundArchive,
  manifest: Manifest,
  { table, holdSeconds }: RestoreRequest,
  context: WorkContext,
): Promise<Restored> {
  const started = performance.now();
  const nowMs = clock.now().getTime();
  const heldUntil = new Date(nowMs + holdSeconds * 1_000);
  const target = await pool.run((sql) =>
    readRestoreTarget(sql, options, { table, manifest, nowMs })
  );
  const child = { schema: target.leaf.parent.schema, table: target.leaf.name };
  await abortablePool(pool, context.signal).transaction(async (sql) => {
    await allowIdle(sql, longestMs);
    await setStatementTimeout(sql, longestMs);
    const oid = await loadLeaf(sql, target, { path, manifest }, context);
    await sealLeaf(sql, target, { oid, manifest, at: clock.now(), heldUntil });
    const { rows } = manifest;
    context.report({ step: "attach the partition", done: rows, of: rows, unit: "rows" });
    const statements = await attachLeaf(sql, target);
    if (row) await recordRestored(sql, row.id, clock.now());
    await logMaintenance(sql, [{
      action: "restore",
      table: table,
      partition: child.table,
      reason:
        `restored from the archive of ${manifest.partition}; retention leaves it until ${heldUntil.toISOString()}`,
      duration_ms: performance.now() - started,
      error: null,
      sql: statements.map((one) => one.sql).join(";\n"),
    }]);
  }, { deadlineMs: longestMs });
  // Missing statistics only make its plans worse.
  await pool.run((sql) => analyzeTable(sql, child)).catch(() => {});
  return {
    table,
    partition: `${child.schema}.${child.table}`,
    rows: manifest.rows,
    content_hash: manifest.content_hash,
    bound: manifest.bound,
    held_until: heldUntil.toISOString(),
    duration_ms: Math.round(performance.now() - started),
  };
}

/** Lists archived leaves and restores them. */
export function createArchives(options: ArchiveOptions): Archives {
  const { pool, onChange = () => {} } = options;
  return {
    list: (page) => pool.run((sql) => listArchives(sql, page)),
    async restore(request, context = unattended) {
      const found = await findArchive(options, request);
      const receipt = await readReceipt(found.path);
      if (!receipt) return refuse(`There is no manifest beside ${found.path}`);
      const { bytes } = receipt.parquet;
      const damage = await damageOf(found.path, receipt, (done) => {
        context.signal?.throwIfAborted();
        context.report({ step: "check the file", done, of: bytes, unit: "bytes" });
      });
      if (damage !== undefined) refuse(damage);
      const restored = await holdRotationLock(
        pool,
        rotationWaitMs,
        () => restoreArchive(options, found, receipt.manifest, request, context),
        context.signal,
      );
      onChange();
      return restored;
    },
  };
}
