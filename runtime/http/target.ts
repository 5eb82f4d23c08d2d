import type { ListenerFault } from "../types.ts";

/** The head of a request as it was sent. */
export interface RequestHead {
  method: string;
  target: string;
  /** Such as 1.1. */
  version: string;
  /** Names and values, one after the other. */
  rawHeaders: readonly string[];
}

export interface HeadFault {
  fault: ListenerFault;
  detail: string;
}

/** The address that was asked, or `options`: what the server can do; or why it is neither. */
export type ReadHead = { url: string } | { options: true } | HeadFault;

const targetMax = 8 * 1024;
const fieldsMax = 200;

/** A name or an address, and a port: what RFC 9110 allows and a URL can hold. */
const authority = /^(?:[a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i;
/** Visible ASCII, but what a URL cannot hold (RFC 3986) or its parser takes for something else. */
const targetCharacters = /^[!$-;=?-[\]^_`{|}~a-z]+$/i;
/** Methods that the web's Request refuses to hold. */
const withoutRequest = new Set(["CONNECT", "TRACE", "TRACK"]);

const invalid = (detail: string): HeadFault => ({ fault: "invalid_request", detail });

/** Returns the values of Host; more than one is a fault that proxies and servers read in different ways. */
function hostsOf(rawHeaders: readonly string[]): string[] {
  const hosts: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? "";
    if (name.length === 4 && name.toLowerCase() === "host") hosts.push(rawHeaders[at + 1] ?? "");
  }
  return hosts;
}

/** Returns the path and query of a target in absolute form, or what is wrong with it. */
function pathOfAbsolute(target: string, host: string): string | HeadFault {
  const [, scheme = "", rest = ""] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/i.exec(target) ?? [];
  if (scheme.toLowerCase() !== "http") {
    return invalid("Cannot read the request target: send a path that begins with /");
  }
  const end = rest.search(/[/?]/);
  const named = end < 0 ? rest : rest.slice(0, end);
  const plain = (text: string) => text.toLowerCase().replace(/:80$/, "");
  if (plain(named) !== plain(host)) {
    return invalid("Cannot read the request target: it names another host than the header Host");
  }
  const path = end < 0 ? "/" : rest.slice(end);
  return path.startsWith("?") ? `/${path}` : path;
}

/** Reads whom and what a request asks for; what is not plainly one address is refused. */
export function readHead({ method, target, version, rawHeaders }: RequestHead): ReadHead {
  if (target.length > targetMax) {
    return {
      fault: "target_too_long",
      detail: `The request target is longer than ${targetMax} bytes; send long input as a body`,
    };
  }
  if (rawHeaders.length / 2 > fieldsMax) {
    return { fault: "head_too_large", detail: `The request has more than ${fieldsMax} headers` };
  }
  if (version !== "1.1" && version !== "1.0") {
    return invalid("Cannot read the request line: the version is not HTTP/1.1");
  }
  if (withoutRequest.has(method)) {
    return { fault: "method_not_allowed", detail: `${method} is not taken here` };
  }
  const hosts = hostsOf(rawHeaders);
  if (hosts.length > 1) return invalid("The request has more than one header Host; send one");
  if (hosts.length === 0 && version === "1.1") {
    return invalid("The request has no header Host; HTTP/1.1 requires one");
  }
  const host = hosts[0] ?? "localhost";
  if (!authority.test(host)) {
    return invalid("Cannot read the header Host: send a host name or address, and a port if any");
  }
  if (target === "*") {
    if (method === "OPTIONS") return { options: true };
    return invalid("Cannot read the request target: * is for OPTIONS alone");
  }
  if (!targetCharacters.test(target)) {
    return invalid("Cannot read the request target: percent-encode what is not allowed in a URL");
  }
  const path = target.startsWith("/") ? target : pathOfAbsolute(target, host);
  if (typeof path !== "string") return path;
  const url = `http://${host}${path}`;
  if (!URL.canParse(url)) {
    return invalid("Cannot read the header Host: it is no address that a URL can have");
  }
  const hasDots = /\/(?:\.|%2e)/i.test(path); // which a URL resolves, and which may lead to two slashes
  if (path.startsWith("//") || hasDots && new URL(url).pathname.startsWith("//")) {
    return invalid("Cannot read the request target: its path begins with two slashes");
  }
  return { url };
}
