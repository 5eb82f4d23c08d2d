import assert from "node:assert/strict";
import { Hono } from "hono";
import { type ErrorCode, HoldfastError } from "../../errors.ts";
import { createLogger } from "../../log.ts";
import { answerProblem, faces } from "../../routes/common/problem.ts";
import { rateLimitHeaders } from "../../routes/guards/rate_limit.ts";
import type { AppEnv } from "../../routes/common/shared.ts";
import { parse } from "yaml";
import { renderOpenApi } from "../../tools/openapi.ts";
import { startApp } from "../helpers/test_app.ts";

const log = createLogger({ level: "error", write: () => {} });

Deno.test("every problem of 429, 503 and 507 says when to ask again, and no other promises it", async () => {
  for (const code of Object.keys(faces) as ErrorCode[]) {
    const [status] = faces[code];
    for (const seconds of [undefined, 17]) {
      const app = new Hono<AppEnv>();
      const error = new HoldfastError(code, "x", { retryAfterSeconds: seconds });
      app.get("/", (c) => answerProblem(error, c, log));
      const after = (await app.request("/")).headers.get("retry-after");
      if (seconds !== undefined) assert.equal(after, "17", code);
      else if ([429, 503, 507].includes(status)) assert.match(after ?? "", /^[1-9]\d*$/, code);
      else assert.equal(after, null, code);
    }
  }
});

Deno.test("the document has the header on every answer of 429, 503 and 507", () => {
  const document = parse(renderOpenApi());
  let seen = 0;
  for (const [path, item] of Object.entries<Record<string, unknown>>(document.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      const { responses } = operation as { responses: Record<string, { $ref?: string }> };
      for (const status of ["429", "503", "507"]) {
        const given = responses[status];
        if (!given) continue;
        const { headers = {} } = given.$ref
          ? document.components.responses[given.$ref.split("/").at(-1) ?? ""]
          : given as { headers?: object };
        assert.ok("Retry-After" in headers, `${method} ${path} ${status}`);
        if (status === "429") assert.ok("RateLimit-Policy" in headers && "RateLimit" in headers);
        seen++;
      }
    }
  }
  assert.ok(seen > 40, String(seen));
});

Deno.test("a limit is told as the IETF draft writes it", () => {
  const limit = {
    policy: "logins",
    quota: 20,
    windowSeconds: 60,
    remaining: -3,
    resetSeconds: 12.2,
  };
  assert.deepEqual(rateLimitHeaders(limit), {
    "RateLimit-Policy": '"logins";q=20;w=60',
    "RateLimit": '"logins";r=0;t=13',
  });
  assert.throws(() => rateLimitHeaders({ ...limit, policy: 'a"b' }), RangeError);
});

Deno.test("a guess too many is told when the next one is checked, in both headers", async () => {
  const app = await startApp({ HOLDFAST_TOKEN: "a token of sixteen or more" });
  try {
    let refused: Response | undefined;
    for (let n = 0; n < 60 && !refused; n++) {
      const answer = await app.post("/api/session", { token: `wrong ${n}` });
      await answer.body?.cancel();
      if (answer.status === 429) refused = answer;
    }
    const after = refused?.headers.get("retry-after") ?? "";
    assert.match(after, /^[1-9]\d*$/);
    assert.equal(refused?.headers.get("ratelimit"), `"wrong_tokens";r=0;t=${after}`);
    assert.equal(refused?.headers.get("ratelimit-policy"), `"wrong_tokens";q=1;w=${after}`);
  } finally {
    await app.stop();
  }
});
