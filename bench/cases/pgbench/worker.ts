/** One client of the comparison with pgbench, in a thread of its own because its calls into libpq block. */
import { parentPort, workerData } from "node:worker_threads";
import { createRandom } from "../../../services/benchmarks/measuring/random.ts";
import { connectLibpq } from "./libpq.ts";
import { questionOf } from "./select_only.ts";
import type { ClientOptions, FromClient, ToClient } from "./clients.ts";

if (parentPort) {
  const port = parentPort;
  const { libpq, conninfo, span, seed }: ClientOptions & { seed: number } = workerData;
  const question = questionOf(span);
  const random = createRandom(seed);
  const params: number[] = [];
  const connection = connectLibpq(libpq, { conninfo, ...question });
  const answer = (message: FromClient) => port.postMessage(message);

  const work = (ms: number) => {
    const started = performance.now();
    let queries = 0;
    let elapsedMs = 0;
    while (elapsedMs < ms) {
      question.draw(random, params);
      const rows = connection.query(params);
      if (rows !== 1) throw new Error(`A query answered ${rows} rows instead of 1`);
      queries++;
      elapsedMs = performance.now() - started;
    }
    answer({ queries, elapsedMs });
  };

  port.on("message", (message: ToClient) => {
    if (message !== "close") return work(message.workForMs);
    connection.close();
    answer("closed");
  });
  answer("ready");
}
