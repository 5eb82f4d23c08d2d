import { createRoute, z } from "@hono/zod-openapi";
import { deleteCookie, setCookie } from "hono/cookie";
import { HoldfastError } from "../errors.ts";
import type { Access } from "../services/access.ts";
import type { Clock } from "../services/clock.ts";
import { sessionCookie } from "./security.ts";
import { createRouter, inputObject, jsonAnswer, jsonBody } from "./shared.ts";

const tags = ["session"];

const loginRoute = createRoute({
  method: "post",
  path: "/api/session",
  tags,
  operationId: "createSession",
  "x-problems": ["unauthorized", "rate_limited"],
  summary: "Trade a token for a browser session",
  request: { body: jsonBody(inputObject({ token: z.string().min(1).max(512) })) },
  responses: { 204: { description: "Logged in; the cookie is set" } },
});

const whoRoute = createRoute({
  method: "get",
  path: "/api/session",
  tags,
  operationId: "getSession",
  summary: "Whether a token is asked for, and what the asker may do",
  responses: {
    200: jsonAnswer(
      z.object({
        required: z.boolean().openapi({ description: "Whether this server asks for a token" }),
        role: z.enum(["admin", "read"]).nullable().openapi({
          description: "What the token or session may do; null without one",
        }),
      }),
      "Who asks",
    ),
  },
});

const logoutRoute = createRoute({
  method: "delete",
  path: "/api/session",
  tags,
  operationId: "endSession",
  summary: "End the browser session",
  responses: { 204: { description: "Logged out" } },
});

const triesPerMinute = 20;

/** The browsers' login: an HttpOnly cookie instead of a token in a script's reach. */
export function sessionRoutes({ access, clock }: { access: Access; clock: Clock }) {
  const router = createRouter();
  let tries = { minute: 0, count: 0 };

  router.openapi(loginRoute, (c) => {
    const minute = Math.floor(clock.now().getTime() / 60_000);
    tries = tries.minute === minute ? { minute, count: tries.count + 1 } : { minute, count: 1 };
    if (tries.count > triesPerMinute) {
      throw new HoldfastError("rate_limited", "Too many logins; wait a minute", {
        retryAfterSeconds: 60,
      });
    }
    const role = access.roleOfToken(c.req.valid("json").token);
    if (!role) throw new HoldfastError("unauthorized", "That token is not one of this server");
    const { value, maxAgeSeconds } = access.issueSession(role);
    setCookie(c, sessionCookie, value, {
      httpOnly: true,
      sameSite: "Strict",
      path: "/",
      maxAge: maxAgeSeconds,
      secure: new URL(c.req.url).protocol === "https:",
    });
    return c.body(null, 204);
  });

  router.openapi(whoRoute, (c) => {
    const role = c.get("role");
    return c.json({ required: access.required, role: role === "open" ? null : role }, 200);
  });

  router.openapi(logoutRoute, (c) => {
    deleteCookie(c, sessionCookie, { path: "/" });
    return c.body(null, 204);
  });
  return router;
}
