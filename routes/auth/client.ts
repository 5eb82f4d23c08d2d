import { contains, type Network, parseAddress, parseNetwork } from "../../lib/ip_network.ts";

/** Where a request comes from, as far as it can be known. */
export interface Client {
  address: string;
  /** Whether the client speaks TLS with a proxy that is trusted. */
  https: boolean;
}

/** Proxies that a chain may name; the rest of a longer one is not read. */
const chainMax = 32;

/** An entry of X-Forwarded-For without its port. */
function addressIn(entry: string): string {
  const text = entry.trim();
  return /^\[([^\]]*)\](:\d+)?$/.exec(text)?.[1] ?? /^(\d+(?:\.\d+){3}):\d+$/.exec(text)?.[1] ??
    text;
}

/** Returns an address in one form: without a zone, and an IPv4 address inside IPv6 as IPv4. */
function plain(address: string): string {
  return address.replace(/%.*$/, "").replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, "");
}

/**
 * Returns how to find out where requests come from. The headers of a proxy are believed only as far as the connection, and each
 * proxy before it, is of a trusted network; anybody else may write what they like there.
 */
export function clientReader(
  trusted: readonly string[],
): (remote: string, header: (name: string) => string | undefined) => Client {
  const networks = trusted.map(parseNetwork).filter((one): one is Network => one !== undefined);
  const isTrusted = (address: string) => networks.some((network) => contains(network, address));
  return (remote, header) => {
    let address = plain(remote);
    if (!isTrusted(address)) return { address, https: false };
    const forwarded = header("x-forwarded-for")?.split(",").slice(-chainMax) ?? [];
    for (const entry of forwarded.toReversed()) {
      const before = addressIn(entry);
      // What the proxy could not name is not guessed at.
      if (!parseAddress(before)) break;
      address = plain(before);
      if (!isTrusted(address)) break;
    }
    const proto = header("x-forwarded-proto")?.split(",").at(-1)?.trim().toLowerCase();
    return { address, https: proto === "https" };
  };
}
