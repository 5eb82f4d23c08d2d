import { readFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { join } from "node:path";
import { Buffer } from "node:buffer";
import { codeOf } from "../errors.ts";
import { type RunAs, runCommand } from "./command.ts";
import type { Place } from "./place.ts";

/** SSLRequest (protocol-message-formats): a server answers it with one byte, before any login. */
const sslRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

/**
 * What is on the socket of a cluster. Only the server's user and root may make one there, so whoever listens is the server
 * of this cluster: a number in postmaster.pid proves nothing, it may be anybody's by now.
 */
export type Presence = "none" | "silent" | "answering";

/** Asks who is there. `silent`: the server listens and answers nothing, as when it is frozen. */
export function askPresence(place: Pick<Place, "sockets">, timeoutMs: number): Promise<Presence> {
  return new Promise((resolve) => {
    let presence: Presence = "none";
    const socket = createConnection({ path: join(place.sockets, ".s.PGSQL.5432") });
    const timer = setTimeout(() => finish(), timeoutMs);
    const finish = (found = presence) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(found);
    };
    socket.on("connect", () => {
      presence = "silent";
      socket.write(sslRequest);
    });
    socket.on("data", () => finish("answering"));
    socket.on("error", (error) => {
      // Anything else, such as a full queue of connections, is a server that does not take them.
      finish(
        presence === "none" && !["ECONNREFUSED", "ENOENT"].includes(codeOf(error))
          ? "silent"
          : presence,
      );
    });
    socket.on("close", () => finish());
  });
}

/** Returns the number in postmaster.pid; undefined without one. */
export async function readPid(cluster: string): Promise<number | undefined> {
  const text = await readFile(join(cluster, "postmaster.pid"), "utf8").catch(() => "");
  const pid = Number(text.split("\n")[0]);
  return Number.isInteger(pid) && pid > 1 ? pid : undefined;
}

/** A process as `ps` lists it. */
export interface ListedProcess {
  pid: number;
  parent: number;
  command: string;
}

/** Reads what `ps -A -o pid=,ppid=,args=` prints. */
export function readProcesses(text: string): ListedProcess[] {
  return text.split("\n").flatMap((line) => {
    const [, pid, parent, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return command === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), command }];
  });
}

/** What is left of a path or a command when `ps` has shown it: in the locale C it escapes other letters. */
const plain = (text: string) => text.replaceAll(/\\\d{3}|[^\x21-\x7e]|\?/g, "");

/**
 * Returns the server of a cluster and its children, its own number first; none unless the listed command is that of a
 * server on this very directory.
 */
export function serverProcesses(
  processes: readonly ListedProcess[],
  { pid, cluster }: { pid: number; cluster: string },
): number[] {
  const server = processes.find((one) => one.pid === pid);
  const [program = ""] = server?.command.split(" ") ?? [];
  const isServer = server !== undefined && /(^|\/)postgres$/.test(program) &&
    plain(server.command).endsWith(`-D${plain(cluster)}`);
  if (!isServer) return [];
  return [pid, ...processes.filter(({ parent }) => parent === pid).map((child) => child.pid)];
}

async function listProcesses(): Promise<ListedProcess[]> {
  for (const program of ["/usr/bin/ps", "/bin/ps"]) {
    try {
      const { code, output } = await runCommand(program, ["-Aww", "-o", "pid=,ppid=,args="], {
        as: undefined,
        timeoutMs: 1_000,
        outputMax: 4 * 1024 * 1024,
      });
      if (code === 0) return readProcesses(output);
    } catch {
      // not on this machine
    }
  }
  return [];
}

/**
 * Returns the processes of the server on a cluster, its own number first; none unless that is proven: somebody listens on
 * its socket, and where `ps` is there to tell, the number in postmaster.pid is a Postgres on this directory.
 */
export async function provenProcesses(place: Place): Promise<number[]> {
  const pid = await readPid(place.cluster);
  if (pid === undefined || await askPresence(place, 200) === "none") return [];
  const processes = await listProcesses();
  return processes.length > 0 ? serverProcesses(processes, { pid, cluster: place.cluster }) : [pid];
}

/**
 * Kills a server that answers nothing any more, with its children, for whom it would have to be thawed. Its WAL brings back
 * what was committed.
 */
export async function killServer(
  { place, pgCtl, as }: { place: Place; pgCtl: string; as: RunAs | undefined },
): Promise<void> {
  const targets = await provenProcesses(place);
  // Deno lets us run pg_ctl and signal nobody; it signals as the server's user, and so only that user's processes.
  const kill = (target: number) =>
    runCommand(pgCtl, ["kill", "KILL", String(target)], { as, timeoutMs: 1_000 }).catch(() => {});
  const [server, ...children] = targets;
  // First the one that would start children anew.
  if (server !== undefined) await kill(server);
  await Promise.all(children.map(kill));
}
