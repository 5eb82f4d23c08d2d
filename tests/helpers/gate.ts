/** What a gate does with a piece that a client sends: pass it on; the same, and keep the answers from then on; close the link instead. */
export type Passage = "pass" | "hold" | "cut";

/** A TCP port in front of a server's Unix socket, whose answers can be kept back while all that is sent passes. */
export interface Gate {
  port: number;
  /** Judges each piece that a client sends, before it passes. */
  judge(rule: (text: string) => Passage): void;
  /** From now on answers wait. */
  hold(): void;
  isHolding(): boolean;
  /** Lets the answers pass again, those that wait first. */
  release(): void;
  /** Closes the links there are; answers that wait are lost. */
  cut(): void;
  stop(): Promise<void>;
}

export function startGate(socketPath: string): Gate {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const links = new Set<() => void>();
  const pumping = new Set<Promise<void>>();
  const latin1 = new TextDecoder("latin1");
  let rule: (text: string) => Passage = () => "pass";
  let held: PromiseWithResolvers<void> | undefined;

  const hold = () => void (held ??= Promise.withResolvers());
  const release = () => {
    held?.resolve();
    held = undefined;
  };

  async function writeAll(to: Deno.Conn, bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
  }

  async function pump(from: Deno.Conn, pass: (bytes: Uint8Array) => Promise<void>): Promise<void> {
    const buffer = new Uint8Array(65_536);
    for (let read = await from.read(buffer); read !== null; read = await from.read(buffer)) {
      await pass(buffer.slice(0, read));
    }
  }

  async function link(client: Deno.Conn): Promise<void> {
    const server = await Deno.connect({ transport: "unix", path: socketPath });
    const close = () => {
      if (!links.delete(close)) return;
      client.close();
      server.close();
    };
    links.add(close);
    const asked = pump(client, async (bytes) => {
      const passage = rule(latin1.decode(bytes));
      if (passage === "cut") return close();
      if (passage === "hold") hold();
      await writeAll(server, bytes);
    });
    const answered = pump(server, async (bytes) => {
      while (held && links.has(close)) await held.promise;
      await writeAll(client, bytes);
    });
    // Closed on purpose, or by the other side.
    await Promise.all([asked, answered].map((one) => one.catch(() => {}).finally(close)));
  }

  async function accept(): Promise<void> {
    for await (const client of listener) {
      const work = link(client).finally(() => pumping.delete(work));
      pumping.add(work);
    }
  }

  const accepting = accept();
  const cut = () => {
    for (const close of [...links]) close();
    release();
  };
  return {
    port: listener.addr.port,
    judge: (next) => rule = next,
    hold,
    isHolding: () => held !== undefined,
    release,
    cut,
    async stop() {
      listener.close();
      cut();
      await accepting;
      await Promise.all(pumping);
    },
  };
}
