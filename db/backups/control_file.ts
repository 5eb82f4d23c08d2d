import { readFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * The primary's settings in its control file, which are lower bounds for recovery (manual, "hot_standby"; prepared
 * transactions also without it).
 */
export interface ControlFile {
  systemIdentifier: string;
  controlVersion: number;
  walLevel: "minimal" | "replica" | "logical";
  maxConnections: number;
  maxWorkerProcesses: number;
  maxWalSenders: number;
  maxPreparedTransactions: number;
  maxLocksPerTransaction: number;
  trackCommitTimestamp: boolean;
}

const walLevels = ["minimal", "replica", "logical"] as const;

/**
 * Offset of the checksum by pg_control_version: 1300 of Postgres 14 to 16, 1700 of 17, and 1800 of 18, which has one more
 * flag. All fields before it have the same offsets in these versions (src/include/catalog/pg_control.h, with 8-byte
 * alignment).
 */
const crcAt: Record<number, number> = { 1300: 288, 1700: 288, 1800: 292 };
const at = {
  systemIdentifier: 0,
  controlVersion: 8,
  walLevel: 172,
  maxConnections: 180,
  maxWorkerProcesses: 184,
  maxWalSenders: 188,
  maxPreparedTransactions: 192,
  maxLocksPerTransaction: 196,
  trackCommitTimestamp: 200,
  maxAlign: 204,
  floatFormat: 208,
} as const;

/** Constant in the file that shows that float format and alignment are as expected. */
const floatFormat = 1_234_567;

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >>> 1 ^ 0x82f63b78 : crc >>> 1;
  return crc >>> 0;
});

/** Returns the CRC-32C (Castagnoli, RFC 3720), with which Postgres checks its control file. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = crcTable[(crc ^ byte) & 0xff]! ^ crc >>> 8;
  return (crc ^ 0xffffffff) >>> 0;
}

/**
 * Parses `global/pg_control` of Postgres 14 to 18. Undefined for other versions, a wrong checksum, or a file of another
 * architecture.
 */
export function parseControlFile(bytes: Uint8Array): ControlFile | undefined {
  if (bytes.length < 300) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const little = [true, false].find((one) => crcAt[view.getUint32(at.controlVersion, one)]);
  if (little === undefined) return undefined;
  const controlVersion = view.getUint32(at.controlVersion, little);
  const end = crcAt[controlVersion] ?? 0;
  if (view.getUint32(end, little) !== crc32c(bytes.subarray(0, end))) return undefined;
  const aligned = view.getUint32(at.maxAlign, little) === 8 &&
    view.getFloat64(at.floatFormat, little) === floatFormat;
  const walLevel = walLevels[view.getInt32(at.walLevel, little)];
  if (!aligned || walLevel === undefined) return undefined;
  const int32 = (place: number) => view.getInt32(place, little);
  return {
    systemIdentifier: String(view.getBigUint64(at.systemIdentifier, little)),
    controlVersion,
    walLevel,
    maxConnections: int32(at.maxConnections),
    maxWorkerProcesses: int32(at.maxWorkerProcesses),
    maxWalSenders: int32(at.maxWalSenders),
    maxPreparedTransactions: int32(at.maxPreparedTransactions),
    maxLocksPerTransaction: int32(at.maxLocksPerTransaction),
    trackCommitTimestamp: view.getUint8(at.trackCommitTimestamp) === 1,
  };
}

/** Reads the control file of a data directory; undefined when it cannot be read or parsed. */
export async function readControlFile(data: string): Promise<ControlFile | undefined> {
  const bytes = await readFile(join(data, "global", "pg_control")).catch(() => undefined);
  return bytes && parseControlFile(bytes);
}

/** Lower bounds where the control file demands less, or cannot be read. */
const lowerBounds = {
  max_connections: 20,
  max_worker_processes: 8,
  max_wal_senders: 10,
  max_prepared_transactions: 0,
  max_locks_per_transaction: 64,
};

/** Returns the settings that recovery of a cluster demands, from its control file. */
export function recoverySettings(control: ControlFile | undefined): Record<string, string> {
  const demanded: Record<keyof typeof lowerBounds, number> = {
    max_connections: control?.maxConnections ?? 0,
    max_worker_processes: control?.maxWorkerProcesses ?? 0,
    max_wal_senders: control?.maxWalSenders ?? 0,
    max_prepared_transactions: control?.maxPreparedTransactions ?? 0,
    max_locks_per_transaction: control?.maxLocksPerTransaction ?? 0,
  };
  const settings: Record<string, string> = {};
  for (const [name, bound] of Object.entries(lowerBounds)) {
    settings[name] = String(Math.max(bound, demanded[name as keyof typeof lowerBounds]));
  }
  // Without it the commit timestamps are discarded at the end of recovery.
  if (control?.trackCommitTimestamp) settings.track_commit_timestamp = "on";
  if (control?.walLevel === "logical") settings.wal_level = "logical";
  return settings;
}
