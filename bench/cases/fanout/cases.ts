import type { BenchmarkCase } from "../../../services/benchmarks/case.ts";
import { defaultTargets } from "../../../services/benchmarks/categories.ts";
import { systemClock } from "../../../lib/clock.ts";
import { createHub, type Hub } from "../../../services/live/hub.ts";
import { serveLive } from "../../../services/live/connection.ts";

const clients = 1_000;
const messages = 4;

interface Fanout {
  hub: Hub;
  payload: Record<string, unknown>;
  /** Characters that each arm has sent, by client. */
  sent: Record<"baseline" | "candidate", Float64Array>;
  frames: Record<"baseline" | "candidate", number>;
}

/** Returns a payload like that of `database_performance`. */
function payloadOf(): Record<string, unknown> {
  const metric = (n: number) => ({ name: `metric_${n}`, value: n * 1.5, unit: "ms", state: "ok" });
  return {
    overall_status: "healthy",
    connection_pool: { size: 10, active: 4, idle: 6, waiting: 0, utilization: 0.4 },
    performance_metrics: Array.from({ length: 18 }, (_, n) => metric(n)),
  };
}

const fanout: BenchmarkCase<Fanout> = {
  id: "fanout_serialise_once",
  category: "broadcast_fanout",
  title: `One message to ${
    clients.toLocaleString("en")
  } clients: serialised for each, and once for all`,
  unit: "deliveries/s",
  target: defaultTargets.broadcast_fanout,
  counts: true,
  arms: {
    baseline: {
      name: "JSON.stringify for each client",
      run(_ctx, { payload, sent, frames, hub }) {
        for (let message = 0; message < messages; message++) {
          for (let client = 0; client < clients; client++) {
            const ts = new Date().toISOString();
            const text = JSON.stringify({
              type: "database_performance",
              data: payload,
              seq: hub.seq,
              ts,
            });
            sent.baseline[client]! += text.length;
            frames.baseline++;
          }
        }
        return Promise.resolve({ units: messages * clients });
      },
    },
    candidate: {
      name: "the hub and live connections of Holdfast, serialised once",
      run(_ctx, { hub, payload }) {
        for (let message = 0; message < messages; message++) {
          hub.publish("database_performance", payload);
        }
        return Promise.resolve({ units: messages * clients });
      },
    },
  },
  setup() {
    const hub = createHub({ clock: systemClock });
    const state: Fanout = {
      hub,
      payload: payloadOf(),
      sent: { baseline: new Float64Array(clients), candidate: new Float64Array(clients) },
      frames: { baseline: 0, candidate: 0 },
    };
    for (let client = 0; client < clients; client++) {
      let greeted = false;
      serveLive({
        send(text) {
          // hello is the first message and does not count
          if (!greeted) return void (greeted = true);
          state.sent.candidate[client]! += text.length;
          state.frames.candidate++;
        },
        close() {},
        bufferedAmount: 0,
        isOpen: true,
      }, { hub, clock: systemClock, bufferMax: 1024 * 1024, version: "bench" });
    }
    return Promise.resolve(state);
  },
  verify(_ctx, { frames, sent }, claims) {
    for (const role of ["baseline", "candidate"] as const) {
      if (frames[role] !== claims[role].units) {
        return Promise.resolve({
          problem: `${role} delivered ${frames[role]} of ${claims[role].units} frames`,
          notes: [],
        });
      }
    }
    const even = sent.candidate.every((bytes) => bytes === sent.candidate[0]);
    return Promise.resolve({
      problem: even ? null : "clients got different amounts",
      notes: ["Sockets are simulated: this is the cost up to the operating system"],
    });
  },
};

export const fanoutCases: readonly BenchmarkCase[] = [fanout];
