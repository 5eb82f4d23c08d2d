import type { Target } from "../../db/connection.ts";
import { type ArchiveFiles, diskFiles } from "../../services/partitions/archive/files.ts";

/** A statement that changes something, or commits what others changed. */
const changes =
  /^\s*(commit|create|alter|drop|insert|update|delete|truncate|lock|vacuum|analyze)\b|\b(insert into|delete from|update) \w+/i;

/** Where a process stands while it works: the way to its server, and its files. */
export interface EndingLink {
  target: Target;
  files: ArchiveFiles;
  close(): void;
}

const text = new TextDecoder();
const cString = (bytes: Uint8Array, from: number): [string, number] => {
  const end = bytes.indexOf(0, from);
  return [text.decode(bytes.subarray(from, end)), end + 1];
};

/** Reads whole messages of the frontend protocol out of what came so far; the first of a connection has no type. */
function takeMessage(bytes: Uint8Array, first: boolean): Uint8Array | undefined {
  const header = first ? 0 : 1;
  if (bytes.length < header + 4) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = header + view.getUint32(header);
  return bytes.length < length ? undefined : bytes.subarray(0, length);
}

/**
 * A link to a server that can end before any statement or file operation, as when the process is killed there:
 * `endsBefore` sees each statement that changes something, each commit and each file operation before it happens. Once
 * it answers true every connection is closed, and nothing is reached any more.
 */
export function openEndingLink(
  target: Extract<Target, { kind: "socket" }>,
  endsBefore: (what: string) => boolean,
): EndingLink {
  const directory = Deno.makeTempDirSync({ prefix: "holdfast-link-" });
  const listener = Deno.listen({
    transport: "unix",
    path: `${directory}/.s.PGSQL.${target.port}`,
  });
  const open = new Set<Deno.Conn>();
  let ended = false;

  function drop(conn: Deno.Conn): void {
    if (!open.delete(conn)) return;
    try {
      conn.close();
    } catch {
      // Closed by its other end.
    }
  }

  function end(): void {
    if (ended) return;
    ended = true;
    for (const conn of open) drop(conn);
    listener.close();
    Deno.removeSync(directory, { recursive: true });
  }

  /** Throws at the end, and from then on. */
  function reach(what: string): void {
    if (!ended && endsBefore(what)) end();
    if (ended) throw new Error(`the process has ended before: ${what}`);
  }

  async function forward(from: Deno.Conn, to: Deno.Conn): Promise<void> {
    const prepared = new Map<string, string>();
    let first = true;
    let rest = new Uint8Array();
    for await (const chunk of from.readable) {
      const bytes = new Uint8Array(rest.length + chunk.length);
      bytes.set(rest);
      bytes.set(chunk, rest.length);
      let at = 0;
      for (
        let message;
        (message = takeMessage(bytes.subarray(at), first)) !== undefined;
        first = false
      ) {
        const type = first ? "" : String.fromCharCode(message[0]!);
        if (type === "P") {
          const [name, next] = cString(message, 5);
          prepared.set(name, cString(message, next)[0]);
        }
        const statement = type === "Q"
          ? cString(message, 5)[0]
          : type === "B"
          ? prepared.get(cString(message, cString(message, 5)[1])[0])
          : undefined;
        if (statement !== undefined && changes.test(statement)) reach(statement);
        for (let sent = 0; sent < message.length;) {
          sent += await to.write(message.subarray(sent));
        }
        at += message.length;
      }
      rest = bytes.slice(at);
    }
  }

  async function link(from: Deno.Conn): Promise<void> {
    open.add(from);
    const to = await Deno.connect({
      transport: "unix",
      path: `${target.directory}/.s.PGSQL.${target.port}`,
    });
    open.add(to);
    if (ended) [from, to].forEach(drop);
    await Promise.allSettled([
      forward(from, to).finally(() => drop(to)),
      to.readable.pipeTo(from.writable).finally(() => drop(from)),
    ]);
  }

  (async () => {
    for await (const conn of listener) link(conn).catch(() => drop(conn));
  })().catch(() => {});

  return {
    target: { ...target, directory },
    files: {
      async write(path, chunks) {
        reach(`write ${path}`);
        await diskFiles.write(path, chunks);
      },
      async sync(path) {
        reach(`sync ${path}`);
        await diskFiles.sync(path);
      },
      async rename(from, to) {
        reach(`rename ${to}`);
        await diskFiles.rename(from, to);
      },
      async remove(path) {
        // A process that has ended does not tidy up.
        if (!ended) await diskFiles.remove(path);
      },
    },
    close: end,
  };
}
