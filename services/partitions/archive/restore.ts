import { isAbsolute, join, relative, resolve } from "node:path";
import type { Sql } from "../../../db/connection.ts";
import {
  type ArchiveRow,
  listArchives,
  noteRestored,
} from "../../../db/partitions/proof/archives.ts";
import { describeLeaf } from "../../../db/partitions/proof/content.ts";
import { attachStatements, createStatements } from "../../../db/partitions/ddl.ts";
import { presentTable } from "../../../db/partitions/leaves.ts";
import { holdRotationLock } from "../../../db/partitions/lock.ts";
import { logMaintenance } from "../../../db/partitions/log.ts";
import { listPolicies } from "../../../db/partitions/policies.ts";
import { listPublications } from "../../../db/partitions/publications.ts";
import { beginSeal, finishSeal, sealStatements } from "../../../db/partitions/proof/sealed.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import { quoteTable } from "../../../db/sql.ts";
import { allowIdle } from "../../../db/session/transaction.ts";
import { HoldfastError } from "../../../errors.ts";
import type { Clock } from "../../../lib/clock.ts";
import { parseBound } from "../axis/bound.ts";
import { findOverlaps } from "../axis/span.ts";
import type { Catalogue } from "../catalogue.ts";
import { attachLocks, newLeaf, templateOf } from "../planning/attaching.ts";
import { readTable } from "../planning/cover.ts";
import { effectivePolicy, tableOf } from "../policy.ts";
import { measureContent } from "../sealing/content.ts";
import { hashOf, type Manifest } from "../sealing/manifest.ts";
import { readCatalogue } from "../survey/survey.ts";
import { damageOf, readReceipt, type Receipt } from "./files.ts";
import { loadArchive } from "./load.ts";

export interface RestoreRequest {
  table: string;
  /** The leaf's name, with or without its schema; or `file`, below the archive directory. */
  partition?: string | undefined;
  file?: string | undefined;
  /** How long retention leaves the leaf alone. */
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
  /** Brings an archived leaf back and attaches it, in one transaction; throws `conflict` with the reason when it cannot. */
  restore(request: RestoreRequest): Promise<Restored>;
}

const longestMs = 55 * 60_000;
const listed = 1_000;
const refuse = (why: string): never => {
  throw new HoldfastError("conflict", why);
};

/** Archived leaves, and the way back. */
export function createArchives(
  { pool, catalogue, config, clock, directory, onChange = () => {} }: {
    pool: Pool;
    catalogue: Catalogue;
    config: Parameters<typeof effectivePolicy>[1];
    clock: Clock;
    directory: string;
    onChange?: () => void;
  },
): Archives {
  async function findFile({ table, partition, file }: RestoreRequest) {
    if (file !== undefined) {
      const inside = relative(directory, resolve(directory, file));
      if (inside.startsWith("..") || isAbsolute(inside) || !inside.endsWith(".parquet")) {
        throw new HoldfastError(
          "invalid_request",
          "file: must be a .parquet below the archive directory",
          {
            problems: [{ path: "file", message: "must be a .parquet below the archive directory" }],
          },
        );
      }
      return { path: join(directory, inside), row: undefined };
    }
    const rows = await pool.run((sql) => listArchives(sql, { table, limit: listed }));
    const row = rows.find(({ leaf_schema, leaf_name }) =>
      leaf_name === partition || `${leaf_schema}.${leaf_name}` === partition
    );
    if (!row) {
      throw new HoldfastError("not_found", `There is no archive of ${partition} of ${table}`);
    }
    return { path: join(directory, row.file), row };
  }

  async function readTarget(table: string, manifest: Manifest) {
    return await pool.run(async (sql) => {
      const policy = (await listPolicies(sql)).map((row) => effectivePolicy(row, config))
        .find((one) => tableOf(one) === table);
      if (!policy) throw new HoldfastError("not_found", `${table} has no partition policy`);
      const [facts] = await readCatalogue(sql, catalogue, [policy]);
      if (!facts?.parent) return refuse(`${table} cannot be partitioned: ${facts?.problem}`);
      const reading = readTable(facts, BigInt(clock.now().getTime()) * 1_000n);
      const bound = parseBound(manifest.bound, reading.axis.codec);
      if (bound.kind !== "range") {
        return refuse(`The bound ${manifest.bound} is no range of ${policy.key}`);
      }
      if (reading.unknown.length > 0) refuse(`bounds of ${table} are locked and unknown`);
      if (findOverlaps([...reading.spans, bound.span]).length > 0) {
        refuse(`${table} has a partition in the range ${manifest.bound} already`);
      }
      if (reading.defaultLeaf) {
        refuse(
          `${table} has a default partition: attaching would scan it under a lock; detach it first`,
        );
      }
      const [column] = facts.parent.keyColumns;
      if (manifest.key.column !== column || manifest.key.type !== facts.parent.keyType) {
        refuse(`${manifest.partition} was archived with another partition key`);
      }
      const name = manifest.partition.slice(manifest.partition.indexOf(".") + 1);
      const { parent } = facts;
      const beside = (await listPublications(sql, policy)).find(({ kind }) => kind !== "table");
      if (beside) {
        refuse(
          `the publication "${beside.name}" would send the rows to its subscribers again, under the name of the partition; name tables in it instead of the schema or all tables`,
        );
      }
      return {
        parent,
        template: templateOf(facts, parent),
        leaf: newLeaf(facts, reading, parent, bound.span, name),
        attachLock: attachLocks(facts, reading, parent),
      };
    });
  }

  /** What a file says of types enters SQL only where the server says the same of the table. */
  async function checkColumns(
    sql: Sql,
    child: { schema: string; table: string },
    { partition, columns }: Manifest,
  ) {
    const made = await presentTable(sql, child);
    const found = await describeLeaf(sql, made?.oid ?? 0);
    const types = new Map(found?.columns.map(({ name, type }) => [name, type]));
    const other = columns.find(({ name, type }) => types.get(name) !== type);
    if (other) {
      refuse(
        `${partition} was archived with ${other.name} ${other.type}; the table has ${
          types.get(other.name) ?? "no such column"
        }`,
      );
    }
  }

  async function checkContent(
    sql: Sql,
    manifest: Manifest,
    oid: number,
    leaf: { schema: string; table: string },
  ) {
    const found = await describeLeaf(sql, oid);
    const content = await measureContent(sql, {
      leaf,
      columns: manifest.columns,
      key: manifest.key,
      thresholds: manifest.thresholds,
      blocks: found?.blocks ?? 0,
      nested: true,
    }, (a, b) => a < b);
    if (content.total.rows !== manifest.rows || hashOf(content.total) !== manifest.content_hash) {
      refuse(`What was loaded is not what ${manifest.partition} held: nothing was attached`);
    }
  }

  async function bringBack(
    path: string,
    row: ArchiveRow | undefined,
    { manifest }: Receipt,
    request: RestoreRequest,
  ): Promise<Restored> {
    const started = performance.now();
    const { table } = request;
    const { parent, template, leaf, attachLock } = await readTarget(table, manifest);
    const child = { schema: leaf.parent.schema, table: leaf.name };
    const heldUntil = new Date(clock.now().getTime() + request.holdSeconds * 1_000);
    await pool.transaction(async (sql) => {
      await allowIdle(sql, longestMs);
      await sql`select set_config('statement_timeout', ${String(longestMs)}, true)`;
      if (await presentTable(sql, child)) {
        refuse(
          `${child.schema}.${child.table} is still there; lengthen the retention to attach it again, or rename it`,
        );
      }
      for (const { sql: statement } of createStatements(leaf, template)) {
        await sql.unsafe(statement);
      }
      await checkColumns(sql, child, manifest);
      await loadArchive(sql, path, manifest, quoteTable(child.schema, child.table), parent.columns);
      const made = await presentTable(sql, child);
      const oid = made?.oid ?? 0;
      await checkContent(sql, manifest, oid, child);
      await sql`select set_config('statement_timeout', ${String(longestMs)}, true)`;
      for (const { sql: statement } of sealStatements(child)) await sql.unsafe(statement);
      await beginSeal(sql, {
        parent: leaf.parent,
        leaf: child,
        oid,
        bound: manifest.bound,
        at: clock.now(),
      });
      await finishSeal(sql, { oid, manifest, at: clock.now(), heldUntil });
      await sql`select set_config('lock_timeout', '2s', true)`;
      await sql`select pg_advisory_xact_lock(hashtextextended('holdfast.rotate', 0))`;
      const statements = attachStatements(leaf, template, { attachLock, populated: true });
      for (const { sql: statement } of statements) await sql.unsafe(statement);
      if (row) await noteRestored(sql, row.id, clock.now());
      await logMaintenance(sql, [{
        action: "restore",
        table_name: table,
        partition_name: leaf.name,
        reason:
          `brought back from ${manifest.partition}'s archive; retention leaves it until ${heldUntil.toISOString()}`,
        duration_ms: performance.now() - started,
        error: null,
        sql: statements.map((one) => one.sql).join(";\n"),
      }]);
    }, { deadlineMs: longestMs });
    await pool.run((sql) => sql.unsafe(`analyze ${quoteTable(child.schema, child.table)}`))
      .catch(() => {}); // without statistics it is only slower to plan for
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

  return {
    list: (page) => pool.run((sql) => listArchives(sql, page)),
    async restore(request) {
      const { path, row } = await findFile(request);
      const receipt = await readReceipt(path);
      if (!receipt) return refuse(`There is no manifest beside ${path}`);
      const damage = await damageOf(path, receipt);
      if (damage !== undefined) refuse(damage);
      const restored = await holdRotationLock(
        pool,
        10_000,
        () => bringBack(path, row, receipt, request),
      );
      onChange();
      return restored;
    },
  };
}
