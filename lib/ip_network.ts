import { isIP } from "node:net";

/** An address as a number; an IPv4 address inside IPv6 (`::ffff:192.0.2.1`) is one of IPv4. */
interface Address {
  bits: 32 | 128;
  value: bigint;
}

export interface Network extends Address {
  prefix: number;
}

function readFour(text: string): bigint {
  return text.split(".").reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
}

function readSix(text: string): bigint {
  const dotted = /(\d+\.\d+\.\d+\.\d+)$/.exec(text)?.[1];
  const four = dotted === undefined ? 0n : readFour(dotted);
  const plain = dotted === undefined
    ? text
    : `${text.slice(0, -dotted.length)}${(four >> 16n).toString(16)}:${
      (four & 0xffffn).toString(16)
    }`;
  const [left = "", right] = plain.split("::");
  const groups = (part: string) => part === "" ? [] : part.split(":");
  const [before, after] = [groups(left), groups(right ?? "")];
  const zeros = right === undefined ? 0 : 8 - before.length - after.length;
  return [...before, ...Array<string>(zeros).fill("0"), ...after]
    .reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}

/** Reads an IP address, without port or brackets; undefined where it is none. */
export function parseAddress(text: string): Address | undefined {
  const [plain = ""] = text.split("%"); // the zone of a link-local address says which interface
  const family = isIP(plain);
  if (family === 0) return undefined;
  if (family === 4) return { bits: 32, value: readFour(plain) };
  const value = readSix(plain);
  return value >> 32n === 0xffffn
    ? { bits: 32, value: value & 0xffff_ffffn }
    : { bits: 128, value };
}

/** Reads a network such as `10.0.0.0/8`, or one address; undefined where it is neither. */
export function parseNetwork(text: string): Network | undefined {
  const [given = "", length, ...rest] = text.split("/");
  const address = parseAddress(given);
  if (!address || rest.length > 0) return undefined;
  if (length === undefined) return { ...address, prefix: address.bits };
  if (!/^\d{1,3}$/.test(length)) return undefined;
  // A prefix of a mapped network counts from the front of IPv6.
  const prefix = Number(length) - (address.bits === 32 && given.includes(":") ? 96 : 0);
  return prefix >= 0 && prefix <= address.bits ? { ...address, prefix } : undefined;
}

/** Says whether an address, as text, is in a network. */
export function contains(network: Network, text: string): boolean {
  const address = parseAddress(text);
  if (!address || address.bits !== network.bits) return false;
  const shift = BigInt(network.bits - network.prefix);
  return address.value >> shift === network.value >> shift;
}

/** Names whom an address belongs to: IPv4 is its own; of IPv6 the first 64 bits, of which one site has all the rest. */
export function groupOf(text: string): string {
  const address = parseAddress(text);
  if (!address || address.bits === 32) return text.replace(/^::ffff:(?=\d+\.)/i, "");
  return `${(address.value >> 64n).toString(16)}::/64`;
}
