import { readFileSync } from "node:fs";
import { type Address, type Environment, readAddress } from "./address.ts";
import { findPassword } from "./grammar.ts";
import { thisMachine } from "./machine.ts";
import { createHostMemory, type HostMemory } from "./open.ts";

/** Where a server is: what libpq takes, or the Unix socket of the embedded one. */
export type Target =
  | {
    kind: "url";
    /** A URL, or keywords with values. */
    url: string;
    /** The environment's variables that complete it; without them it stands alone. */
    env?: Environment;
    /** What was learnt of its hosts, for all that connect to it. */
    memory?: HostMemory;
  }
  | {
    kind: "socket";
    directory: string;
    port: number;
    user: string;
    database: string;
    /** A file of passwords in libpq's form; read at each connection. Without it the server asks for none. */
    passwordFile?: string;
  };

/** Returns the target of a connection string. Throws a StartError of one line where the string is not to be used. */
export function targetOf(url: string, env: Environment): Target {
  readAddress(url, thisMachine(env));
  return { kind: "url", url, env, memory: createHostMemory() };
}

/** Returns the password of a socket's target as its file has it now; undefined where there is none. */
export function passwordOf(
  { directory, port, user, database, passwordFile }: Target & { kind: "socket" },
): string | undefined {
  if (passwordFile === undefined) return undefined;
  return findPassword(readFileSync(passwordFile, "utf8"), {
    host: directory,
    port: String(port),
    database,
    user,
  });
}

/** Returns the address of a target as it is now; files named by it are read anew each time. */
export function addressOf(target: Target): Address {
  if (target.kind === "url") return readAddress(target.url, thisMachine(target.env ?? {}));
  const { directory, port, user, database } = target;
  const socket = `${directory}/.s.PGSQL.${port}`;
  const password = passwordOf(target);
  return {
    hosts: [{ name: directory, port, socket, ...(password === undefined ? {} : { password }) }],
    database,
    user,
    tls: { mode: "disable", direct: false, sni: false },
    attrs: "any",
    balance: false,
    given: new Map([
      ["host", directory],
      ["port", String(port)],
      ["user", user],
      ["dbname", database],
    ]),
  };
}

/**
 * Returns where a database is: the same text for the same hosts, ports, wanted role and database name, whoever logs in.
 * Undefined where the address cannot be read now. Two names of one host are two places.
 */
export function locationOf(target: Target): string | undefined {
  try {
    const { hosts, database, attrs } = addressOf(target);
    const places = hosts.map(({ name, address, port, socket }) =>
      socket ?? `${(address ?? name).toLowerCase()}:${port}`
    );
    return `${places.sort().join(",")}/${database} ${attrs}`;
  } catch {
    return undefined;
  }
}
