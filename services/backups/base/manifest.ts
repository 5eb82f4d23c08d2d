import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { z } from "zod";

/** A file in the server's manifest. */
export interface ManifestFile {
  path: string;
  size: number;
  sha256: string;
}

export interface Manifest {
  files: ManifestFile[];
  /** WAL that a restored cluster needs to become consistent. */
  wal: { timeline: number; start: string; end: string }[];
}

const Shape = z.object({
  Files: z.array(z.object({
    Path: z.string().optional(),
    "Encoded-Path": z.string().optional(),
    Size: z.number(),
    "Checksum-Algorithm": z.string().optional(),
    Checksum: z.string().optional(),
  })),
  "WAL-Ranges": z.array(z.object({
    Timeline: z.number(),
    "Start-LSN": z.string(),
    "End-LSN": z.string(),
  })),
});

/**
 * Parses a `backup_manifest` (manual: "Backup Manifest Format"). Throws when it differs from what the server wrote: its
 * last line has the SHA-256 of everything before it.
 */
export function readManifest(bytes: Uint8Array): Manifest {
  const text = new TextDecoder().decode(bytes);
  const last = /"Manifest-Checksum": "([0-9a-f]{64})"\}\s*$/.exec(text);
  if (!last) throw new Error("backup_manifest is damaged: its checksum is missing");
  const covered = Buffer.byteLength(text.slice(0, last.index));
  const found = createHash("sha256").update(bytes.subarray(0, covered)).digest("hex");
  if (found !== last[1]) throw new Error("backup_manifest is damaged: its own checksum is wrong");
  const shape = Shape.parse(JSON.parse(text));
  return {
    files: shape.Files.map((file) => {
      const path = file.Path ?? Buffer.from(file["Encoded-Path"] ?? "", "hex").toString("latin1");
      if (file["Checksum-Algorithm"] !== "SHA256" || !file.Checksum) {
        throw new Error(`backup_manifest has no SHA-256 of ${path}`);
      }
      return { path, size: file.Size, sha256: file.Checksum };
    }),
    wal: shape["WAL-Ranges"].map((range) => ({
      timeline: range.Timeline,
      start: range["Start-LSN"],
      end: range["End-LSN"],
    })),
  };
}

/** A file that was read. */
export interface FoundFile {
  path: string;
  size: number;
  sha256: string;
}

/** Files that the manifest does not list: WAL, which has checksums in its records, and the manifest itself. */
const unlisted = /^(pg_wal\/|backup_manifest$)/;

const shownMax = 20;

/** Returns the differences from the manifest by file: at most 20, and the number of further ones. Pure. */
export function compareFiles(manifest: Manifest, found: readonly FoundFile[]): string[] {
  const byPath = new Map(found.map((file) => [file.path, file]));
  const problems: string[] = [];
  for (const { path, size, sha256 } of manifest.files) {
    const file = byPath.get(path);
    byPath.delete(path);
    if (!file) problems.push(`${path} is missing`);
    else if (file.size !== size) problems.push(`${path} has ${file.size} bytes, not ${size}`);
    else if (file.sha256 !== sha256) problems.push(`${path} is damaged: its SHA-256 differs`);
  }
  for (const path of byPath.keys()) {
    if (!unlisted.test(path)) problems.push(`${path} is not in the manifest`);
  }
  return problems.length <= shownMax
    ? problems
    : [...problems.slice(0, shownMax), `and ${problems.length - shownMax} more`];
}
