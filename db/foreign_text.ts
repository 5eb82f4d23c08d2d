import { Buffer } from "node:buffer";

/** Where the collectors cut a statement's text, in bytes. */
export const foreignBytesMax = 500;

/**
 * Decodes text that may be in any encoding from base64 of its bytes: what is not UTF-8 becomes U+FFFD. A character that
 * the cut at `foreignBytesMax` went through is left out.
 */
export function decodeForeignText(base64: string): string {
  const bytes = Buffer.from(base64, "base64");
  return new TextDecoder().decode(bytes, { stream: bytes.length >= foreignBytesMax });
}

/**
 * Decodes the named columns in rows, also in objects and lists within them.
 *
 * Views such as pg_stat_activity show the text of sessions of other databases as it is, in the encoding of those. Any
 * function that counts characters, such as left(), fails on bytes that are none in this database's encoding (22021), and so
 * does the server's own conversion to the client's encoding. So the collectors take the bytes: a cast to bytea, whose
 * escape format takes any byte when backslashes are doubled.
 */
export function decodeForeign(value: unknown, columns: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((one) => decodeForeign(one, columns));
  if (value === null || typeof value !== "object") return value;
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [
      name,
      typeof one === "string" && columns.includes(name)
        ? decodeForeignText(one)
        : decodeForeign(one, columns),
    ]),
  );
}
