import { type Exchange, StorageError } from "./request.ts";
import { readElements, readTag } from "./xml.ts";

/** An object in a list; its key is relative to the prefix. */
export interface StoredObject {
  key: string;
  bytes: number;
  /** When it was written, RFC 3339. */
  at: string;
}

/**
 * Follows a list of S3's from page to page, and yields the XML of each. `next` reads the parameters of the next request
 * from a page. Throws for a page that is cut off without one: what a list lacks would count as missing.
 */
export async function* listPages(
  exchange: Exchange,
  query: Record<string, string>,
  next: (page: string) => Record<string, string | undefined>,
  signal: AbortSignal | undefined,
): AsyncGenerator<string> {
  for (let more = {};;) {
    const page: string = await exchange(
      { method: "GET", query: { ...query, ...more }, signal },
      (answer) => answer.text(),
    );
    yield page;
    const marks = Object.entries(next(page)).filter(([, mark]) => mark);
    if (readTag(page, "IsTruncated") !== "true") return;
    if (marks.length === 0) {
      throw new StorageError(
        "The storage cut the list of objects off and does not say where it goes on: it lacks ListObjectsV2",
        { retryable: false },
      );
    }
    more = Object.fromEntries(marks);
  }
}

/** Returns a key relative to the prefix; undefined for an object outside of it. */
export const keyBelow = (prefix: string, key: string | undefined): string | undefined =>
  key?.startsWith(prefix) ? key.slice(prefix.length) : undefined;

/** Lists all objects in a folder below the prefix. */
export async function listObjects(
  exchange: Exchange,
  { prefix, folder, signal }: { prefix: string; folder: string; signal: AbortSignal | undefined },
): Promise<StoredObject[]> {
  const found: StoredObject[] = [];
  const query = { "list-type": "2", prefix: prefix + folder };
  const next = (page: string) => ({
    "continuation-token": readTag(page, "NextContinuationToken"),
  });
  for await (const page of listPages(exchange, query, next, signal)) {
    for (const element of readElements(page, "Contents")) {
      const key = keyBelow(prefix, readTag(element, "Key"));
      if (!key) continue;
      const at = new Date(readTag(element, "LastModified") ?? 0).toISOString();
      found.push({ key, bytes: Number(readTag(element, "Size")), at });
    }
  }
  return found;
}
