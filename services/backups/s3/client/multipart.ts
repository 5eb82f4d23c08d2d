import { keyBelow, listPages } from "./listing.ts";
import { contentMd5, drain, type Exchange, shaHeader, StorageError } from "./request.ts";
import { readElements, readTag } from "./xml.ts";

/** A multipart upload that has begun. */
export interface Upload {
  key: string;
  id: string;
}

/** A multipart upload that has begun and not ended. */
export interface OpenUpload extends Upload {
  /** When it began, RFC 3339. */
  at: string;
}

/** Multipart uploads of one bucket: begin, send the parts, then end or abort. */
export interface MultipartUploads {
  /** Returns the id of the new upload. */
  beginUpload(key: string, sha256: string, signal?: AbortSignal): Promise<string>;
  /** Sends part `part` (from 1) and returns its tag, which the end of the upload lists. */
  putPart(
    upload: Upload,
    part: number,
    bytes: Uint8Array<ArrayBuffer>,
    signal?: AbortSignal,
  ): Promise<string>;
  endUpload(upload: Upload, tags: readonly string[], signal?: AbortSignal): Promise<void>;
  abortUpload(upload: Upload, signal?: AbortSignal): Promise<void>;
  /** Lists open uploads; empty where the storage has no such list. */
  openUploads(folder: string, signal?: AbortSignal): Promise<OpenUpload[]>;
}

/** S3 may take minutes to put the parts of a large object together. */
const joinMs = 600_000;

export function createMultipartUploads(exchange: Exchange, prefix: string): MultipartUploads {
  return {
    async beginUpload(key, sha256, signal) {
      const answer = await exchange(
        { method: "POST", key, query: { uploads: "" }, headers: { [shaHeader]: sha256 }, signal },
        (answer) => answer.text(),
      );
      const id = readTag(answer, "UploadId");
      if (!id) {
        throw new StorageError("The storage started no multipart upload", { retryable: false });
      }
      return id;
    },
    putPart: async ({ key, id }, part, bytes, signal) =>
      await exchange({
        method: "PUT",
        key,
        query: { partNumber: String(part), uploadId: id },
        body: bytes,
        headers: { "content-md5": await contentMd5(bytes) },
        signal,
      }, async (answer) => {
        await drain(answer);
        const tag = answer.headers.get("etag");
        if (!tag) {
          throw new StorageError(`The storage gave no ETag for part ${part}`, { retryable: true });
        }
        return tag;
      }),
    async endUpload({ key, id }, tags, signal) {
      const answer = await exchange(
        {
          method: "POST",
          key,
          query: { uploadId: id },
          body: partList(tags),
          timeoutMs: joinMs,
          signal,
        },
        (answer) => answer.text(),
      );
      // S3 sends the status before it knows the result: a 200 may hold an error.
      if (/<Error[\s>]/.test(answer)) {
        throw new StorageError(
          `The storage could not put ${key} together: ${readTag(answer, "Code")}`,
          { retryable: true },
        );
      }
    },
    abortUpload: ({ key, id }, signal) =>
      exchange({ method: "DELETE", key, query: { uploadId: id }, signal }, drain),
    async openUploads(folder, signal) {
      try {
        return await listUploads(exchange, { prefix, folder, signal });
      } catch (error) {
        if (error instanceof StorageError && !error.retryable) return [];
        throw error;
      }
    },
  };
}

function partList(tags: readonly string[]): Uint8Array<ArrayBuffer> {
  const parts = tags.map((tag, at) => {
    const escaped = tag.replaceAll('"', "&quot;");
    return `<Part><PartNumber>${at + 1}</PartNumber><ETag>${escaped}</ETag></Part>`;
  });
  return new TextEncoder().encode(
    `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${
      parts.join("")
    }</CompleteMultipartUpload>`,
  );
}

async function listUploads(
  exchange: Exchange,
  { prefix, folder, signal }: { prefix: string; folder: string; signal: AbortSignal | undefined },
): Promise<OpenUpload[]> {
  const found: OpenUpload[] = [];
  const next = (page: string) => ({
    "key-marker": readTag(page, "NextKeyMarker"),
    "upload-id-marker": readTag(page, "NextUploadIdMarker"),
  });
  const query = { uploads: "", prefix: prefix + folder };
  for await (const page of listPages(exchange, query, next, signal)) {
    for (const element of readElements(page, "Upload")) {
      const key = keyBelow(prefix, readTag(element, "Key"));
      const id = readTag(element, "UploadId");
      const at = new Date(readTag(element, "Initiated") ?? 0).toISOString();
      if (key && id) found.push({ key, id, at });
    }
  }
  return found;
}
