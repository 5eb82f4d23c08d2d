/** A TCP port in front of a Unix socket or another port, whose link can go silent without being closed. */
export interface Proxy {
  port: number;
  /** From now on nothing passes on the connections there are; new ones are not affected. */
  silence(): void;
  /** Closes the connections there are. */
  cut(): void;
  /** From now on new connections lead elsewhere. */
  leadTo(to: string | number): void;
  connections(): number;
  stop(): Promise<void>;
}

interface Link {
  silent: boolean;
  close(): void;
}

/** Sees the bytes of one direction, and returns those to pass on now. */
type Tap = (bytes: Uint8Array) => Uint8Array;

export function startProxy(
  to: string | number,
  { fromClient = (bytes) => bytes, fromServer = (bytes) => bytes }: {
    fromClient?: Tap;
    fromServer?: Tap;
  } = {},
): Proxy {
  let target = to;
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const links = new Set<Link>();
  const pumping = new Set<Promise<void>>();

  async function pump(link: Link, from: Deno.Conn, to: Deno.Conn, tap: Tap): Promise<void> {
    const buffer = new Uint8Array(65_536);
    try {
      for (let read = await from.read(buffer); read !== null; read = await from.read(buffer)) {
        const passed = tap(buffer.subarray(0, read));
        for (let at = 0; at < passed.length && !link.silent;) {
          at += await to.write(passed.subarray(at));
        }
      }
    } catch {
      // closed on purpose, or by the other side
    }
    link.close();
  }

  async function accept(): Promise<void> {
    for await (const client of listener) {
      const connecting = typeof target === "string"
        ? Deno.connect({ transport: "unix", path: target })
        : Deno.connect({ hostname: "127.0.0.1", port: target });
      const server = await connecting.catch(() => undefined);
      if (!server) {
        client.close();
        continue;
      }
      const link: Link = {
        silent: false,
        close() {
          if (!links.delete(link)) return;
          client.close();
          server.close();
        },
      };
      links.add(link);
      const works = [
        pump(link, client, server, fromClient),
        pump(link, server, client, fromServer),
      ];
      for (const work of works) {
        pumping.add(work);
        work.finally(() => pumping.delete(work));
      }
    }
  }

  const accepting = accept();
  const cut = () => {
    for (const link of [...links]) link.close();
  };
  return {
    port: listener.addr.port,
    silence: () => links.forEach((link) => link.silent = true),
    cut,
    leadTo: (to) => target = to,
    connections: () => links.size,
    async stop() {
      listener.close();
      cut();
      await accepting;
      await Promise.all(pumping);
    },
  };
}
