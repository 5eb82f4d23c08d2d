import type { Buffer } from "node:buffer";
import { HoldfastError } from "../../errors.ts";
import { quoteLiteral } from "../sql.ts";
import { readRow } from "./wire.ts";
import type { Walsender } from "./walsender.ts";

/** Events of a base backup, in this order. */
export type BackupEvent =
  | { kind: "start"; lsn: string; timeline: number; totalBytes: number }
  | { kind: "data"; bytes: Buffer }
  | { kind: "manifest"; bytes: Buffer }
  | { kind: "end"; lsn: string; timeline: number };

interface Options {
  label: string;
  /** Maximum rate in kB per second; undefined: unlimited. */
  maxRateKb?: number | undefined;
}

/** Returns the BASE_BACKUP command. The backup includes its WAL, and so need not wait until that is archived. */
function commandFor(version: number, { label, maxRateKb }: Options): string {
  const name = quoteLiteral(label).trim();
  if (version >= 150_000) {
    const rate = maxRateKb ? `, MAX_RATE ${maxRateKb}` : "";
    return `BASE_BACKUP (LABEL ${name}, PROGRESS, CHECKPOINT 'fast', WAL, WAIT false${rate}, ` +
      "MANIFEST 'yes', MANIFEST_CHECKSUMS 'SHA256')";
  }
  const rate = maxRateKb ? ` MAX_RATE ${maxRateKb}` : "";
  return `BASE_BACKUP LABEL ${name} PROGRESS FAST WAL NOWAIT${rate} MANIFEST 'yes' MANIFEST_CHECKSUMS 'SHA256'`;
}

/**
 * Streams a base backup that includes its WAL: the tar archive, then the server's manifest. Throws a `conflict` for a
 * server with additional tablespaces: each would need a directory of its own at every restore.
 */
export async function* streamBaseBackup(
  session: Walsender,
  options: Options,
): AsyncGenerator<BackupEvent> {
  const framed = session.version >= 150_000;
  let table = 0;
  let archives = 0;
  let copies = 0;
  let inManifest = false;
  let position: (string | null)[] = [];
  let totalKb = 0;
  for await (const { type, body } of session.run(commandFor(session.version, options))) {
    if (type === "T") table++;
    if (type === "D") {
      const row = readRow(body);
      if (table === 1) position = row;
      else if (table === 2) {
        archives++;
        totalKb += Number(row[2] ?? 0);
        if (row[0] !== null) {
          throw new HoldfastError(
            "conflict",
            `The server has a tablespace at ${
              row[1]
            }; Holdfast backs up only servers without additional tablespaces`,
          );
        }
      } else yield { kind: "end", lsn: row[0] ?? "", timeline: Number(row[1]) };
    }
    if (type === "H" && copies++ === 0) {
      yield {
        kind: "start",
        lsn: position[0] ?? "",
        timeline: Number(position[1]),
        totalBytes: totalKb * 1024,
      };
    }
    // Before version 15 each archive is a COPY of its own, and so is the manifest after them.
    if (type === "d" && !framed) {
      yield { kind: copies > archives ? "manifest" : "data", bytes: body };
    }
    if (type === "d" && framed) {
      const letter = String.fromCharCode(body[0] ?? 0);
      if (letter === "m") inManifest = true;
      if (letter === "d") {
        yield { kind: inManifest ? "manifest" : "data", bytes: body.subarray(1) };
      }
    }
  }
}
