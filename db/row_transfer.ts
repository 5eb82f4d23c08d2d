import { Buffer } from "node:buffer";
import { openSession, type Walsender } from "./backups/walsender.ts";
import type { Sql, Target } from "./connection.ts";
import { openCopy, textFormat } from "./copy.ts";
import { startupSettings } from "./session/start.ts";

const batchBytes = 256 * 1024;

export interface RowReaderOptions {
  database: string;
  applicationName: string;
  /** Longest that one statement may take, the time of its reader included; milliseconds. */
  statementTimeoutMs: number;
  lockTimeoutMs: number;
  /** Whether a pooler stands between, which takes few settings; without it, `serverVersion` helps (such as 180004). */
  pooled?: boolean;
  serverVersion?: number | undefined;
  signal: AbortSignal;
}

/** A database in SQL_ASCII holds bytes in any encoding, which a session in UTF8 is refused. */
const anyBytes = `select pg_catalog.set_config('client_encoding', 'SQL_ASCII', false)
  where pg_catalog.current_setting('server_encoding') = 'SQL_ASCII'`;

/**
 * Opens a session that reads rows with COPY, with the settings that the text of values depends on. After an error it must be
 * closed: messages of the failed statement may follow.
 */
export async function openRowReader(
  target: Target,
  { database, applicationName, pooled = false, signal, ...options }: RowReaderOptions,
): Promise<Walsender> {
  const reader = await openSession(target, {
    ...startupSettings({ ...options, pooled }),
    application_name: applicationName,
    database,
  }, signal);
  try {
    for await (const _message of reader.run(anyBytes));
    return reader;
  } catch (error) {
    reader.close();
    throw error;
  }
}

/** Yields the rows that `statement` (a COPY … TO STDOUT in text) sends, at the reader's pace, in batches of about 256 KiB. */
export async function* readRows(
  reader: Walsender,
  statement: string,
): AsyncGenerator<Uint8Array> {
  let rows: Uint8Array[] = [];
  let bytes = 0;
  for await (const { type, body } of reader.run(statement)) {
    if (type !== "d") continue;
    rows.push(body);
    bytes += body.length;
    if (bytes < batchBytes) continue;
    yield Buffer.concat(rows);
    [rows, bytes] = [[], 0];
  }
  if (bytes > 0) yield Buffer.concat(rows);
}

/**
 * Sends the rows that `from` (a COPY … TO STDOUT in text) reads through `into` (a COPY … FROM STDIN in text), at the pace of the
 * slower side, with two batches in memory at most. Throws the error of the side that fails; `into` then changes nothing.
 */
export async function transferRows(
  { reader, from, sql, into }: { reader: Walsender; from: string; sql: Sql; into: string },
): Promise<void> {
  const copy = await openCopy(sql, into, textFormat);
  try {
    for await (const rows of readRows(reader, from)) await copy.write(rows);
  } catch (error) {
    await copy.abort();
    throw error;
  }
  await copy.end();
}
