import type { Target } from "../../db/connection.ts";

/** A session that sends bytes as they are, in whatever encoding: drivers send UTF-8 alone. */
export interface RawSession {
  /** Sends a statement; resolves when the server is ready for the next. */
  query(sql: Uint8Array | string): Promise<void>;
  /** Sends a statement that will take long. */
  begin(sql: Uint8Array | string): Promise<void>;
  close(): void;
}

/** The bytes of `text`, each of whose characters is one of Latin-1. */
export const latin1 = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(text, (character) => character.charCodeAt(0));

const zero = new Uint8Array(1);

function message(kind: string, ...parts: Uint8Array[]): Uint8Array {
  const length = 4 + parts.reduce((sum, { length }) => sum + length, 0);
  const bytes = new Uint8Array(kind.length + length);
  bytes.set(latin1(kind));
  new DataView(bytes.buffer).setInt32(kind.length, length);
  let at = kind.length + 4;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function connect(target: Target): Promise<Deno.Conn> {
  if (target.kind === "socket") {
    return Deno.connect({
      transport: "unix",
      path: `${target.directory}/.s.PGSQL.${target.port}`,
    });
  }
  const { hostname, port } = new URL(target.url);
  return Deno.connect({ hostname, port: Number(port) });
}

/** Opens a session of a server that trusts its clients, in `database` as `user`, both as bytes; throws what it refuses. */
export async function openRawSession(
  target: Target,
  { database, user = "postgres" }: { database: string; user?: string },
): Promise<RawSession> {
  const conn = await connect(target);
  let buffered = new Uint8Array(0);
  async function read(length: number): Promise<Uint8Array> {
    while (buffered.length < length) {
      const chunk = new Uint8Array(65_536);
      const count = await conn.read(chunk);
      if (count === null) throw new Error("The server closed the session");
      const joined = new Uint8Array(buffered.length + count);
      joined.set(buffered);
      joined.set(chunk.subarray(0, count), buffered.length);
      buffered = joined;
    }
    const found = buffered.slice(0, length);
    buffered = buffered.slice(length);
    return found;
  }
  async function untilReady(): Promise<void> {
    let failure: string | undefined;
    for (;;) {
      const head = await read(5);
      const body = await read(new DataView(head.buffer).getInt32(1) - 4);
      const kind = String.fromCharCode(head[0] ?? 0);
      if (kind === "E") failure = new TextDecoder().decode(body);
      if (kind !== "Z") continue;
      if (failure !== undefined) throw new Error(failure);
      return;
    }
  }
  const send = async (sql: Uint8Array | string) => {
    await conn.write(message("Q", typeof sql === "string" ? latin1(sql) : sql, zero));
  };
  const version = new Uint8Array([0, 3, 0, 0]);
  await conn.write(
    message("", version, latin1(`user\0${user}\0database\0${database}\0\0`)),
  );
  await untilReady();
  return {
    begin: send,
    async query(sql) {
      await send(sql);
      await untilReady();
    },
    close: () => conn.close(),
  };
}
