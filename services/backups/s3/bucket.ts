import { createHash } from "node:crypto";
import { setImmediate as aMoment } from "node:timers/promises";
import { createExchange, type Retries, type S3Place, StorageError } from "./request.ts";
import { readElements, readTag } from "./xml.ts";

/** An object as a list shows it; its key is below the prefix. */
export interface StoredObject {
  key: string;
  bytes: number;
  /** When it was put there, RFC 3339. */
  at: string;
}

/** A multipart upload that was begun and not ended. */
export interface OpenUpload {
  key: string;
  id: string;
  at: string;
}

/** Objects in one folder of a bucket. Every key is below that folder: nothing else can be reached. */
export interface Bucket {
  /** Host, bucket and folder, for people. */
  where: string;
  list(folder: string, signal?: AbortSignal): Promise<StoredObject[]>;
  /** Size, and the SHA-256 that was sent along; undefined when there is no such object. */
  head(
    key: string,
    signal?: AbortSignal,
  ): Promise<{ bytes: number; sha256: string | undefined } | undefined>;
  /** The bytes of an object as they come; a line that breaks is taken up again where it broke. */
  read(key: string, signal?: AbortSignal): AsyncGenerator<Uint8Array>;
  put(
    key: string,
    bytes: Uint8Array<ArrayBuffer>,
    sha256: string,
    signal?: AbortSignal,
  ): Promise<void>;
  beginUpload(key: string, sha256: string, signal?: AbortSignal): Promise<string>;
  /** Answers the part's tag, which the end of the upload names. */
  putPart(
    upload: { key: string; id: string },
    part: number,
    bytes: Uint8Array<ArrayBuffer>,
    signal?: AbortSignal,
  ): Promise<string>;
  endUpload(
    upload: { key: string; id: string },
    tags: readonly string[],
    signal?: AbortSignal,
  ): Promise<void>;
  abortUpload(upload: { key: string; id: string }, signal?: AbortSignal): Promise<void>;
  /** Empty where the storage cannot tell. */
  openUploads(folder: string, signal?: AbortSignal): Promise<OpenUpload[]>;
  remove(key: string, signal?: AbortSignal): Promise<void>;
}

const shaHeader = "x-amz-meta-sha256";
/** Silence of this length ends a download. */
const silenceMs = 60_000;
/** How often in a row a download may break without bringing a byte. */
const breaksAllowed = 4;

const text = (answer: Response) => answer.text();
const drain = async (answer: Response) => void await answer.body?.cancel();

/** MD5 as Content-MD5 has it; made in steps, for whoever else waits. */
async function md5Of(bytes: Uint8Array): Promise<string> {
  const step = 1024 * 1024;
  const hash = createHash("md5");
  for (let at = 0; at < bytes.length; at += step) {
    hash.update(bytes.subarray(at, at + step));
    await aMoment();
  }
  return hash.digest("base64");
}

async function readOrSilence(
  reader: ReadableStreamDefaultReader<Uint8Array>,
): Promise<ReadableStreamReadResult<Uint8Array>> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new StorageError("The storage has gone silent", { again: true })),
      silenceMs,
    );
  });
  try {
    return await Promise.race([reader.read(), silence]);
  } finally {
    clearTimeout(timer);
  }
}

/** Opens the folder of a bucket; asks nothing yet. */
export function openBucket(
  { place, retries, send }: { place: S3Place; retries?: Retries; send?: typeof fetch },
): Bucket {
  const { endpoint, bucket, prefix } = place;
  const exchange = createExchange({
    place,
    ...(retries ? { retries } : {}),
    ...(send ? { send } : {}),
  });
  const below = (key: string) => key.startsWith(prefix) ? key.slice(prefix.length) : undefined;

  /** Follows a list of S3's from page to page. */
  async function* pages(
    query: Record<string, string>,
    next: (page: string) => Record<string, string | undefined>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<string> {
    for (let more = {};;) {
      const page: string = await exchange(
        { method: "GET", query: { ...query, ...more }, signal },
        text,
      );
      yield page;
      const marks = Object.entries(next(page)).filter(([, mark]) => mark);
      if (readTag(page, "IsTruncated") !== "true" || marks.length === 0) return;
      more = Object.fromEntries(marks);
    }
  }

  return {
    where: `${new URL(endpoint).host}/${bucket}/${prefix}`.replace(/\/$/, ""),
    async list(folder, signal) {
      const found: StoredObject[] = [];
      const query = { "list-type": "2", prefix: prefix + folder };
      const next = (page: string) => ({
        "continuation-token": readTag(page, "NextContinuationToken"),
      });
      for await (const page of pages(query, next, signal)) {
        for (const one of readElements(page, "Contents")) {
          const key = below(readTag(one, "Key") ?? "");
          if (!key) continue;
          const at = new Date(readTag(one, "LastModified") ?? 0).toISOString();
          found.push({ key, bytes: Number(readTag(one, "Size")), at });
        }
      }
      return found;
    },
    async head(key, signal) {
      try {
        return await exchange({ method: "HEAD", key, signal }, (answer) =>
          Promise.resolve({
            bytes: Number(answer.headers.get("content-length")),
            sha256: answer.headers.get(shaHeader) ?? undefined,
          }));
      } catch (error) {
        if (error instanceof StorageError && error.status === 404) return undefined;
        throw error;
      }
    },
    async *read(key, signal) {
      let at = 0;
      let tag: string | null = null;
      for (let breaks = 0;;) {
        const headers: Record<string, string> = at === 0
          ? {}
          : { range: `bytes=${at}-`, ...(tag ? { "if-match": tag } : {}) };
        const answer = await exchange(
          { method: "GET", key, headers, signal },
          (answer) => Promise.resolve(answer),
        );
        if (at > 0 && answer.status !== 206) {
          await drain(answer);
          throw new StorageError("The storage cannot go on where a download broke", {
            again: false,
          });
        }
        const total = at + Number(answer.headers.get("content-length"));
        tag ??= answer.headers.get("etag");
        const reader = answer.body?.getReader();
        try {
          for (;;) {
            signal?.throwIfAborted();
            const piece = reader ? await readOrSilence(reader) : undefined;
            if (!piece || piece.done) break;
            at += piece.value.length;
            breaks = 0;
            yield piece.value;
          }
          if (at < total) throw new StorageError(`${key} ended early`, { again: true });
          return;
        } catch (error) {
          signal?.throwIfAborted();
          if (++breaks > breaksAllowed) throw error;
        } finally {
          await reader?.cancel().catch(() => {});
        }
      }
    },
    put: async (key, bytes, sha256, signal) =>
      await exchange({
        method: "PUT",
        key,
        body: bytes,
        headers: { "content-md5": await md5Of(bytes), [shaHeader]: sha256 },
        signal,
      }, drain),
    async beginUpload(key, sha256, signal) {
      const answer = await exchange(
        { method: "POST", key, query: { uploads: "" }, headers: { [shaHeader]: sha256 }, signal },
        text,
      );
      const id = readTag(answer, "UploadId");
      if (!id) throw new StorageError("The storage begins no upload in parts", { again: false });
      return id;
    },
    putPart: async ({ key, id }, part, bytes, signal) =>
      await exchange({
        method: "PUT",
        key,
        query: { partNumber: String(part), uploadId: id },
        body: bytes,
        headers: { "content-md5": await md5Of(bytes) },
        signal,
      }, async (answer) => {
        await drain(answer);
        const tag = answer.headers.get("etag");
        if (!tag) throw new StorageError("The storage names no tag of a part", { again: true });
        return tag;
      }),
    async endUpload({ key, id }, tags, signal) {
      const parts = tags.map((tag, at) =>
        `<Part><PartNumber>${at + 1}</PartNumber><ETag>${
          tag.replaceAll('"', "&quot;")
        }</ETag></Part>`
      );
      const body = new TextEncoder().encode(
        `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${
          parts.join("")
        }</CompleteMultipartUpload>`,
      );
      const answer = await exchange(
        { method: "POST", key, query: { uploadId: id }, body, signal },
        text,
      );
      // S3 begins to answer before it knows: a 200 may hold an error.
      if (/<Error[\s>]/.test(answer)) {
        throw new StorageError(
          `The storage could not put ${key} together: ${readTag(answer, "Code")}`,
          { again: true },
        );
      }
    },
    abortUpload: ({ key, id }, signal) =>
      exchange({ method: "DELETE", key, query: { uploadId: id }, signal }, drain),
    async openUploads(folder, signal) {
      const found: OpenUpload[] = [];
      const next = (page: string) => ({
        "key-marker": readTag(page, "NextKeyMarker"),
        "upload-id-marker": readTag(page, "NextUploadIdMarker"),
      });
      try {
        for await (
          const page of pages({ uploads: "", prefix: prefix + folder }, next, signal)
        ) {
          for (const one of readElements(page, "Upload")) {
            const key = below(readTag(one, "Key") ?? "");
            const id = readTag(one, "UploadId");
            const at = new Date(readTag(one, "Initiated") ?? 0).toISOString();
            if (key && id) found.push({ key, id, at });
          }
        }
      } catch (error) {
        if (!(error instanceof StorageError) || error.again) throw error;
      }
      return found;
    },
    remove: (key, signal) => exchange({ method: "DELETE", key, signal }, drain),
  };
}
