import { isIP } from "node:net";

/** The names that a certificate stands for. */
export interface CertificateNames {
  /** dNSName entries of the subject's alternative names. */
  dns: string[];
  /** iPAddress entries, 4 or 16 bytes each, in hexadecimal. */
  ips: string[];
  /** Common names of the subject; the last one counts. */
  commonNames: string[];
}

interface Element {
  tag: number;
  body: Uint8Array;
}

/** Reads the DER elements that follow each other in `bytes`. Throws a RangeError where they do not add up. */
function readElements(bytes: Uint8Array): Element[] {
  const elements: Element[] = [];
  let at = 0;
  const next = (): number => {
    const byte = bytes[at++];
    if (byte === undefined) throw new RangeError("the certificate ends too early");
    return byte;
  };
  while (at < bytes.length) {
    const tag = next();
    let length = next();
    if (length >= 0x80) {
      const count = length & 0x7f;
      if (count === 0 || count > 4) throw new RangeError("the certificate is not in DER");
      length = 0;
      for (let i = 0; i < count; i++) length = length * 256 + next();
    }
    if (at + length > bytes.length) throw new RangeError("the certificate ends too early");
    elements.push({ tag, body: bytes.subarray(at, at + length) });
    at += length;
  }
  return elements;
}

const sequence = 0x30;
const explicit3 = 0xa3;
const dnsName = 0x82;
const ipAddress = 0x87;
const subjectAltName = "551d11"; // 2.5.29.17
const commonName = "550403"; // 2.5.4.3

const hexOf = (bytes: Uint8Array) =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const latin1 = (bytes: Uint8Array) => String.fromCharCode(...bytes.subarray(0, 1_024));

function commonNamesOf(subject: Element): string[] {
  return readElements(subject.body).flatMap((set) => readElements(set.body)).flatMap((pair) => {
    const [type, value] = readElements(pair.body);
    return type && value && hexOf(type.body) === commonName ? [latin1(value.body)] : [];
  });
}

/**
 * Returns the names in a DER certificate (RFC 5280, 4.1 and 4.2.1.6). They are read here since the runtime gives them
 * as one string without quotes, in which a comma inside a name cannot be told from one between two. Throws a RangeError
 * for bytes that are no certificate.
 */
export function namesOf(certificate: Uint8Array): CertificateNames {
  const names: CertificateNames = { dns: [], ips: [], commonNames: [] };
  const [outer] = readElements(certificate);
  const [body] = readElements(outer?.body ?? new Uint8Array());
  const fields = readElements(body?.body ?? new Uint8Array());
  // [0] version, serial, algorithm, issuer, validity, subject; the version is missing in version 1.
  const subject = fields[fields[0]?.tag === 0xa0 ? 5 : 4];
  if (subject?.tag !== sequence) throw new RangeError("the certificate has no subject");
  names.commonNames = commonNamesOf(subject);
  const extensions = fields.find(({ tag }) => tag === explicit3);
  if (!extensions) return names;
  const [list] = readElements(extensions.body);
  for (const extension of readElements(list?.body ?? new Uint8Array())) {
    const parts = readElements(extension.body);
    const [type] = parts;
    const value = parts.at(-1);
    if (!type || !value || hexOf(type.body) !== subjectAltName) continue;
    const [general] = readElements(value.body);
    for (const { tag, body: name } of readElements(general?.body ?? new Uint8Array())) {
      if (tag === dnsName) names.dns.push(latin1(name));
      if (tag === ipAddress) names.ips.push(hexOf(name));
    }
  }
  return names;
}

/** Returns an IP address as its 4 or 16 bytes in hexadecimal; undefined for anything else. */
function addressBytes(text: string): string | undefined {
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, "0");
  if (isIP(text) === 4) return text.split(".").map((part) => hex(Number(part), 2)).join("");
  if (isIP(text) !== 6) return undefined;
  const bare = text.replace(/%.*$/, "").replace(
    /(\d+)\.(\d+)\.(\d+)\.(\d+)$/,
    (_, a, b, c, d) => `${hex(a * 256 + +b, 4)}:${hex(c * 256 + +d, 4)}`,
  );
  const [head = "", tail] = bare.split("::");
  const words = (part: string) => part === "" ? [] : part.split(":");
  const after = words(tail ?? "");
  const before = words(head);
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  return [...before, ...Array<string>(Math.max(0, zeros)).fill("0"), ...after]
    .map((word) => word.padStart(4, "0").toLowerCase()).join("");
}

const asName = (text: string) => text.toLowerCase().replace(/\.$/, "");

/** Says whether a name of a certificate is that of a host; `*.` stands for one label (RFC 6125, as libpq does it). */
function isNameOf(pattern: string, host: string): boolean {
  // A NUL or a space is an attempt at deceit.
  if (pattern === "" || /[^\x21-\x7e]/.test(pattern)) return false;
  const [wanted, name] = [asName(pattern), asName(host)];
  if (!wanted.startsWith("*.")) return wanted === name;
  const rest = wanted.slice(1);
  const label = name.slice(0, -rest.length);
  return rest.length > 1 && name.endsWith(rest) && label !== "" && !label.includes(".");
}

/**
 * Says whether a certificate stands for `host`, by libpq's rules (manual, "Client Verification of Server Certificates"):
 * a name is compared with the DNS names, and with the common name where there are none; an IP address with the addresses
 * and, letter by letter, the DNS names, and with the common name where there are no addresses.
 */
export function standsFor({ dns, ips, commonNames }: CertificateNames, host: string): boolean {
  const bytes = addressBytes(host);
  const common = commonNames.at(-1);
  if (bytes === undefined) {
    if (dns.length > 0) return dns.some((name) => isNameOf(name, host));
    return common !== undefined && isNameOf(common, host);
  }
  if (ips.includes(bytes) || dns.includes(host)) return true;
  return ips.length === 0 && common === host;
}

/** Returns the names of a certificate for an error message, at most five. */
export function describeNames({ dns, ips, commonNames }: CertificateNames): string {
  const address = (hex: string) =>
    hex.length === 8
      ? (hex.match(/../g) ?? []).map((byte) => parseInt(byte, 16)).join(".")
      : (hex.match(/..../g) ?? []).map((word) => word.replace(/^0{1,3}/, "")).join(":");
  const all = [...dns, ...ips.map(address)];
  const shown = all.length > 0 ? all : commonNames.slice(-1);
  return shown.slice(0, 5).map((name) => name.replace(/[^\x21-\x7e]/g, "?")).join(", ") ||
    "no name at all";
}
