import { download } from "./download.ts";
import { listObjects, type StoredObject } from "./listing.ts";
import { createMultipartUploads, type MultipartUploads } from "./multipart.ts";
import {
  contentMd5,
  createExchange,
  drain,
  type Retries,
  type S3Place,
  shaHeader,
  StorageError,
} from "./request.ts";

/** Objects in one folder of a bucket. Keys are relative to that folder: nothing outside of it can be reached. */
export interface Bucket extends MultipartUploads {
  /** Host, bucket and folder, for messages. */
  where: string;
  list(folder: string, signal?: AbortSignal): Promise<StoredObject[]>;
  /** Returns the size and the SHA-256 that was stored with an object; undefined when there is none. */
  head(
    key: string,
    signal?: AbortSignal,
  ): Promise<{ bytes: number; sha256: string | undefined } | undefined>;
  /** Yields the bytes of an object as they come; an interrupted download continues where it broke off. */
  read(key: string, signal?: AbortSignal): AsyncGenerator<Uint8Array>;
  put(
    key: string,
    bytes: Uint8Array<ArrayBuffer>,
    sha256: string,
    signal?: AbortSignal,
  ): Promise<void>;
  remove(key: string, signal?: AbortSignal): Promise<void>;
}

/** Opens the folder of a bucket; sends no request yet. */
export function openBucket(
  { place, retries, send }: { place: S3Place; retries?: Retries; send?: typeof fetch },
): Bucket {
  const { endpoint, bucket, prefix } = place;
  const exchange = createExchange({
    place,
    ...(retries ? { retries } : {}),
    ...(send ? { send } : {}),
  });
  return {
    ...createMultipartUploads(exchange, prefix),
    where: `${new URL(endpoint).host}/${bucket}/${prefix}`.replace(/\/$/, ""),
    list: (folder, signal) => listObjects(exchange, { prefix, folder, signal }),
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
    read: (key, signal) => download(exchange, key, signal),
    put: async (key, bytes, sha256, signal) =>
      await exchange({
        method: "PUT",
        key,
        body: bytes,
        headers: { "content-md5": await contentMd5(bytes), [shaHeader]: sha256 },
        signal,
      }, drain),
    remove: (key, signal) => exchange({ method: "DELETE", key, signal }, drain),
  };
}
