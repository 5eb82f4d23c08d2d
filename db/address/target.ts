import { type Address, type Environment, readAddress } from "./address.ts";
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
  | { kind: "socket"; directory: string; port: number; user: string; database: string };

/** Returns the target of a connection string. Throws a StartError of one line where the string is not to be used. */
export function targetOf(url: string, env: Environment): Target {
  readAddress(url, thisMachine(env));
  return { kind: "url", url, env, memory: createHostMemory() };
}

/** Returns the address of a target as it is now; files named by it are read anew each time. */
export function addressOf(target: Target): Address {
  if (target.kind === "url") return readAddress(target.url, thisMachine(target.env ?? {}));
  const { directory, port, user, database } = target;
  const socket = `${directory}/.s.PGSQL.${port}`;
  return {
    hosts: [{ name: directory, port, socket }],
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
