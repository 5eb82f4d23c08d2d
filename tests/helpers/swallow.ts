/** A TCP port in front of another that can swallow: links stay open and new ones are taken, but nothing passes. */
export interface Swallower {
  port: number;
  swallow(on: boolean): void;
  /** Closes the links there are, and new ones at once. */
  refuse(on: boolean): void;
  connections(): number;
  /** Connections that were taken, in all. */
  taken(): number;
  stop(): Promise<void>;
}

export function startSwallower(target: number): Swallower {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const links = new Set<() => void>();
  const pumping = new Set<Promise<void>>();
  let swallowing = false;
  let refusing = false;
  let taken = 0;

  async function pump(from: Deno.Conn, to: Deno.Conn, close: () => void): Promise<void> {
    const buffer = new Uint8Array(65_536);
    try {
      for (let read = await from.read(buffer); read !== null; read = await from.read(buffer)) {
        for (let at = 0; at < read && !swallowing;) at += await to.write(buffer.subarray(at, read));
      }
    } catch {
      // closed by the other side, or at the end
    }
    close();
  }

  async function accept(): Promise<void> {
    for await (const client of listener) {
      taken++;
      const server = refusing
        ? undefined
        : await Deno.connect({ port: target }).catch(() => undefined);
      if (!server) {
        client.close();
        continue;
      }
      const close = () => {
        if (!links.delete(close)) return;
        client.close();
        server.close();
      };
      links.add(close);
      for (const work of [pump(client, server, close), pump(server, client, close)]) {
        pumping.add(work);
        work.finally(() => pumping.delete(work));
      }
    }
  }

  const accepting = accept();
  return {
    port: listener.addr.port,
    swallow(on) {
      swallowing = on;
    },
    refuse(on) {
      refusing = on;
      if (on) links.forEach((close) => close());
    },
    connections: () => links.size,
    taken: () => taken,
    async stop() {
      listener.close();
      links.forEach((close) => close());
      await accepting;
      await Promise.all(pumping);
    },
  };
}
