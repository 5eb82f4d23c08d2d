import { createRoute, z } from "@hono/zod-openapi";
import { HoldfastError } from "../../errors.ts";
import { scopes } from "../../services/auth/scope.ts";
import type { Auth } from "../../services/auth/service.ts";
import { tokenName } from "../../services/auth/tokens.ts";
import type { Clock } from "../../lib/clock.ts";
import {
  createRouter,
  inputObject,
  jsonAnswer,
  jsonBody,
  nextCursor,
  Time,
} from "../common/shared.ts";
import { pageOf, wholeListQuery } from "../common/whole_list.ts";

const tags = ["access"];
const TokenId = z.string().regex(tokenName, "must be the id or the name of a token");

const TokenInfo = z.object({
  id: z.string(),
  name: z.string(),
  scope: z.enum(scopes),
  source: z.enum(["setting", "file"]).openapi({
    description: "setting: from the settings; file: created by this API or `deno task token`",
  }),
  created_at: Time.nullable(),
  created_by: z.string().nullable(),
  expires_at: Time.nullable(),
  last_used_at: Time.nullable(),
  last_used_from: z.string().nullable().openapi({ description: "The address" }),
}).openapi("TokenInfo");

const listRoute = createRoute({
  method: "get",
  path: "/api/tokens",
  tags,
  operationId: "listTokens",
  summary: "List the tokens of this server, without their secrets",
  request: { query: wholeListQuery() },
  responses: {
    200: jsonAnswer(
      z.object({ tokens: z.array(TokenInfo), next_cursor: nextCursor }).openapi("TokenList"),
      "A page of tokens",
    ),
  },
});

const createTokenRoute = createRoute({
  method: "post",
  path: "/api/tokens",
  tags,
  operationId: "createToken",
  "x-problems": ["conflict"],
  summary: "Create a token",
  description: "Only this answer contains the secret.",
  request: {
    body: jsonBody(inputObject({
      name: z.string().regex(
        tokenName,
        "must begin with a letter or digit; letters, digits, _ . - follow, 64 in all",
      ),
      scope: z.enum(scopes).openapi({
        description:
          "`ingest` and `operate` include `read`; `admin` includes all, and alone manages tokens",
      }),
      expires_in_days: z.int().min(1).max(3650).optional().openapi({
        description: "Days until the token expires; default: valid until it is revoked",
      }),
    })),
  },
  responses: {
    201: {
      ...jsonAnswer(
        z.object({ token: TokenInfo, secret: z.string() }).openapi("CreatedToken"),
        "The token and its secret",
      ),
      headers: z.object({
        Location: z.string().openapi({ description: "Path at which the token can be revoked" }),
      }),
    },
  },
});

const revokeRoute = createRoute({
  method: "delete",
  path: "/api/tokens/{id}",
  tags,
  operationId: "revokeToken",
  "x-problems": ["conflict"],
  summary: "Revoke a token",
  description: "Its sessions end, and its live sockets are closed with 1008.",
  request: { params: z.object({ id: TokenId }) },
  responses: { 204: { description: "Revoked" } },
});

/** Creates, lists and revokes named tokens. */
export function tokenRoutes({ auth, clock }: { auth: Auth; clock: Clock }) {
  const router = createRouter();
  router.openapi(listRoute, (c) => {
    const { rows, next_cursor } = pageOf(auth.listTokens(), {
      list: "tokens",
      ...c.req.valid("query"),
      keyOf: ({ id }) => id,
    });
    return c.json({ tokens: rows, next_cursor }, 200);
  });

  router.openapi(createTokenRoute, async (c) => {
    if (!auth.required) {
      throw new HoldfastError(
        "conflict",
        "This server requires no token; set HOLDFAST_TOKEN and restart it before you create tokens",
      );
    }
    const { name, scope, expires_in_days: days } = c.req.valid("json");
    const { token, secret } = await auth.createToken({
      name,
      scope,
      expiresAt: days === undefined
        ? null
        : new Date(clock.now().getTime() + days * 86_400_000).toISOString(),
      createdBy: c.get("principal")?.name ?? "",
    });
    return c.json({ token, secret }, 201, { Location: `/api/tokens/${token.id}` });
  });

  router.openapi(revokeRoute, async (c) => {
    await auth.revokeToken(c.req.valid("param").id);
    return c.body(null, 204);
  });
  return router;
}
