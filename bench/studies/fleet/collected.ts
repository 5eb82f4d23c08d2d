/**
 * Serves with the code in the folder that is its argument, and writes what memory is in use after a collection of garbage
 * for each line that it reads. Ends with its input. memory.ts starts it.
 */
interface Served {
  startMonitoring(): Promise<{ stop(): Promise<void> }>;
}

const rounds = 3;
const { gc } = globalThis as { gc?: () => void };
if (!gc) throw new Error("Cannot collect garbage: start with --v8-flags=--expose-gc");
const { startMonitoring }: Served = await import(
  new URL("main.ts", `file://${Deno.args[0]}/`).href
);
const serving = await startMonitoring();
for await (const _ of Deno.stdin.readable) {
  for (let round = 0; round < rounds; round++) {
    gc();
    await new Promise((done) => setTimeout(done, 500));
  }
  console.log(JSON.stringify({ memory: Deno.memoryUsage() }));
}
await serving.stop();
Deno.exit(0);
