import { eventually } from "./eventually.ts";

export interface Received {
  headers: Headers;
  body: string;
  /** What it was answered. */
  status: number;
}

/** A web server that keeps what is posted to it, and answers as it is told. */
export function startReceiver() {
  const received: Received[] = [];
  let answers: number[] = [];
  let always = 204;
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const status = answers.shift() ?? always;
      received.push({ headers: request.headers, body: await request.text(), status });
      return new Response(null, { status });
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}/hooks/very-secret-path`,
    received,
    /** Answers these in turn, then `then`. */
    answer(first: number[], then = 204) {
      answers = first;
      always = then;
    },
    /** Notices that arrived (were answered well), of one rule. */
    notices(rule: string): { kind: string; dedup_key: string; alert: { id: string } }[] {
      return received.filter(({ status }) => status < 300)
        .flatMap(({ body }) => JSON.parse(body).notices)
        .filter(({ alert }) => alert.rule === rule);
    },
    hears(rule: string, kind: string, count = 1) {
      return eventually(
        () => this.notices(rule).filter((one) => one.kind === kind).length >= count,
        `the receiver hears ${rule} ${kind}`,
      );
    },
    forget: () => void received.splice(0),
    stop: () => server.shutdown(),
  };
}
