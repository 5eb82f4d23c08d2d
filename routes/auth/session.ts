import { createRoute, z } from "@hono/zod-openapi";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { HoldfastError } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import { scopes } from "../../services/auth/scope.ts";
import type { Auth } from "../../services/auth/service.ts";
import { createRouter, inputObject, jsonAnswer, jsonBody } from "../common/shared.ts";
import { refuseWrongToken, sessionCookie } from "./guard.ts";

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
  "x-problems": ["rate_limited"],
  summary: "Whether a token is required, and what the client may do",
  responses: {
    200: jsonAnswer(
      z.object({
        required: z.boolean().openapi({ description: "Whether this server requires a token" }),
        role: z.enum(scopes).nullable().openapi({
          description: "What the token or session may do; null without one",
        }),
        name: z.string().nullable().openapi({
          description: "Name of the token, or of the token that the session was opened with",
        }),
      }),
      "The client's token and scope",
    ),
  },
});

const logoutRoute = createRoute({
  method: "delete",
  path: "/api/session",
  tags,
  operationId: "endSession",
  "x-problems": ["rate_limited"],
  summary: "End the browser session",
  description: "Ends the session on the server too: its cookie is invalid afterwards.",
  responses: { 204: { description: "Logged out" } },
});

/** The browsers' login: an HttpOnly cookie instead of a token in a script's reach. */
export function sessionRoutes({ auth, log }: { auth: Auth; log: Logger }) {
  const router = createRouter();

  router.openapi(loginRoute, (c) => {
    const client = c.get("client");
    const principal = auth.byToken(c.req.valid("json").token, client.address);
    if (!principal) {
      refuseWrongToken(c, auth, log);
      throw new HoldfastError("unauthorized", "That token is not one of this server");
    }
    const before = getCookie(c, sessionCookie);
    if (before !== undefined) auth.endSession(before);
    const { value, maxAgeSeconds } = auth.beginSession(principal);
    c.set("principal", principal);
    setCookie(c, sessionCookie, value, {
      httpOnly: true,
      sameSite: "Strict",
      path: "/",
      maxAge: maxAgeSeconds,
      secure: client.https || new URL(c.req.url).protocol === "https:",
    });
    return c.body(null, 204);
  });

  router.openapi(whoRoute, (c) => {
    const principal = auth.required ? c.get("principal") : undefined;
    return c.json({
      required: auth.required,
      role: principal?.scope ?? null,
      name: principal?.name ?? null,
    }, 200);
  });

  router.openapi(logoutRoute, (c) => {
    const cookie = getCookie(c, sessionCookie);
    if (cookie !== undefined) auth.endSession(cookie);
    deleteCookie(c, sessionCookie, { path: "/" });
    return c.body(null, 204);
  });
  return router;
}
