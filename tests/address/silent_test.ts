import assert from "node:assert/strict";
import { readAddress } from "../../db/address/address.ts";
import { createHostMemory, type HostMemory, openServer } from "../../db/address/open.ts";
import { thisMachine } from "../../db/address/machine.ts";
import { codeOf } from "../../db/errors.ts";
import { eventually } from "../helpers/eventually.ts";

/** What a listener does with the request for TLS: it takes it and says nothing, or answers that it has none. */
type Behaviour = "silent" | "answers";

interface Fake {
  hostname: string;
  port: number;
  /** Connections that were taken, in all. */
  taken(): number;
  /** Connections that the other side has not closed. */
  open(): number;
  become(behaviour: Behaviour): void;
  stop(): Promise<void>;
}

function startFake(behaviour: Behaviour, { hostname = "127.0.0.1", port = 0 } = {}): Fake {
  const listener = Deno.listen({ hostname, port });
  const open = new Set<Deno.Conn>();
  const serving: Promise<void>[] = [];
  let now = behaviour;
  let taken = 0;
  async function serve(client: Deno.Conn): Promise<void> {
    const bytes = new Uint8Array(1_024);
    try {
      while (await client.read(bytes) !== null) {
        if (now === "answers") await client.write(new TextEncoder().encode("N"));
      }
    } catch {
      // reset by the other side
    }
    if (open.delete(client)) client.close();
  }
  serving.push((async () => {
    for await (const client of listener) {
      taken++;
      open.add(client);
      serving.push(serve(client));
    }
  })());
  return {
    hostname,
    port: listener.addr.port,
    taken: () => taken,
    open: () => open.size,
    become: (behaviour) => now = behaviour,
    async stop() {
      listener.close();
      for (const client of open) client.close();
      open.clear();
      await Promise.all(serving);
    },
  };
}

const home = thisMachine({ HOME: "/nowhere", USER: "u" });

/** Opens a socket to `db`, which is at these addresses, and returns the one that it leads to, or the failure's code. */
async function openDb(
  fakes: readonly Fake[],
  { memory, timeoutMs = 150, givesUpAfterMs }: {
    memory: HostMemory;
    timeoutMs?: number;
    givesUpAfterMs?: number;
  },
): Promise<string> {
  const address = readAddress(`postgres://u@db:${fakes[0]?.port}/x`, home);
  const signal = givesUpAfterMs === undefined
    ? new AbortController().signal
    : AbortSignal.timeout(givesUpAfterMs);
  try {
    const { socket } = await openServer(address, {
      timeoutMs,
      memory,
      signal,
      resolve: () => Promise.resolve(fakes.map(({ hostname }) => hostname)),
    });
    const { remoteAddress = "" } = socket;
    socket.destroy();
    return remoteAddress;
  } catch (error) {
    return codeOf(error) || String(error);
  }
}

Deno.test("a trial login that is not answered leaves no connection behind", async () => {
  const silent = startFake("silent");
  const memory = createHostMemory();
  const url =
    `postgres://u@127.0.0.1:${silent.port}/x?sslmode=disable&target_session_attrs=primary`;
  try {
    for (const givesUp of [undefined, 20]) {
      const opening = openServer(readAddress(url, home), {
        timeoutMs: givesUp === undefined ? 50 : 60_000,
        memory,
        signal: givesUp === undefined ? new AbortController().signal : AbortSignal.timeout(givesUp),
      });
      await assert.rejects(opening);
      const taken = givesUp === undefined ? 1 : 2;
      await eventually(() => silent.taken() === taken, "it was tried");
      await eventually(() => silent.open() === 0, "it is closed");
    }
  } finally {
    await silent.stop();
  }
});

const several = (() => {
  try {
    Deno.listen({ hostname: "127.0.0.2", port: 0 }).close();
    return true;
  } catch {
    console.error("SKIPPED for want of a second loopback address: addresses that do not answer");
    return false;
  }
})();

Deno.test({
  name: "an address of a host that does not answer is tried last until it does",
  ignore: !several,
  async fn() {
    const first = startFake("silent", { hostname: "127.0.0.2" });
    const second = startFake("answers", { port: first.port });
    const memory = createHostMemory();
    try {
      const ask = () => openDb([first, second], { memory });
      assert.equal(await ask(), "127.0.0.1");
      assert.equal(first.taken(), 1);
      assert.equal(await ask(), "127.0.0.1");
      assert.equal(first.taken(), 1, "the silent one is not waited for again");
      second.become("silent");
      assert.equal(await ask(), "CONNECT_TIMEOUT");
      assert.equal(first.taken(), 2, "but tried after the others");
      first.become("answers");
      assert.equal(await ask(), "127.0.0.2");
      second.become("answers");
      assert.equal(await ask(), "127.0.0.2", "the one that answered stays first");
    } finally {
      await first.stop();
      await second.stop();
    }
  },
});

Deno.test({
  name: "a caller that gives up before the connect timeout comes to each address in turn",
  ignore: !several,
  async fn() {
    const first = startFake("silent", { hostname: "127.0.0.2" });
    const second = startFake("answers", { port: first.port });
    const memory = createHostMemory();
    try {
      const ask = () =>
        openDb([first, second], { memory, timeoutMs: 60_000, givesUpAfterMs: 1_100 });
      assert.match(await ask(), /^TimeoutError/);
      assert.equal(await ask(), "127.0.0.1");
      assert.deepEqual([first.taken(), second.taken()], [1, 1]);
    } finally {
      await first.stop();
      await second.stop();
    }
  },
});
