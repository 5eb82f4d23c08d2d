import { readFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * What the primary ran with, as its control file says; recovery needs as much (manual, "hot_standby": prepared
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
 * Where a control file's checksum is, by pg_control_version: 1300 of Postgres 14 to 16, 1700 of 17, 1800 of 18, which
 * has one flag more. All that lies before it has the same place in all of them (src/include/catalog/pg_control.h, with
 * 8-byte alignment).
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

/** The known number that says that floating-point numbers, and the alignment before it, are as expected. */
const floatFormat = 1_234_567;

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >>> 1 ^ 0x82f63b78 : crc >>> 1;
  return crc >>> 0;
});

/** CRC-32C (Castagnoli, RFC 3720), as Postgres checks its control file. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = crcTable[(crc ^ byte) & 0xff]! ^ crc >>> 8;
  return (crc ^ 0xffffffff) >>> 0;
}

/**
 * Parses the bytes of `global/pg_control` of Postgres 14 to 18. Undefined when its version is another, its checksum is
 * wrong, or it was written by a machine of another kind.
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
  const whole = (place: number) => view.getInt32(place, little);
  return {
    systemIdentifier: String(view.getBigUint64(at.systemIdentifier, little)),
    controlVersion,
    walLevel,
    maxConnections: whole(at.maxConnections),
    maxWorkerProcesses: whole(at.maxWorkerProcesses),
    maxWalSenders: whole(at.maxWalSenders),
    maxPreparedTransactions: whole(at.maxPreparedTransactions),
    maxLocksPerTransaction: whole(at.maxLocksPerTransaction),
    trackCommitTimestamp: view.getUint8(at.trackCommitTimestamp) === 1,
  };
}

/** The control file of a cluster's data directory; undefined when it cannot be read or understood. */
export async function readControlFile(data: string): Promise<ControlFile | undefined> {
  const bytes = await readFile(join(data, "global", "pg_control")).catch(() => undefined);
  return bytes && parseControlFile(bytes);
}

/** The server's own defaults, of which recovery never needs less. */
const least = {
  max_connections: 20,
  max_worker_processes: 8,
  max_wal_senders: 10,
  max_prepared_transactions: 0,
  max_locks_per_transaction: 64,
};

/** The settings that a cluster must at least be started with to be recovered, as its control file demands them. */
export function recoverySettings(control: ControlFile | undefined): Record<string, string> {
  const demanded: Record<keyof typeof least, number> = {
    max_connections: control?.maxConnections ?? 0,
    max_worker_processes: control?.maxWorkerProcesses ?? 0,
    max_wal_senders: control?.maxWalSenders ?? 0,
    max_prepared_transactions: control?.maxPreparedTransactions ?? 0,
    max_locks_per_transaction: control?.maxLocksPerTransaction ?? 0,
  };
  const settings: Record<string, string> = {};
  for (const [name, floor] of Object.entries(least)) {
    settings[name] = String(Math.max(floor, demanded[name as keyof typeof least]));
  }
  // Without it the times of commits are thrown away when recovery ends.
  if (control?.trackCommitTimestamp) settings.track_commit_timestamp = "on";
  if (control?.walLevel === "logical") settings.wal_level = "logical";
  return settings;
}
