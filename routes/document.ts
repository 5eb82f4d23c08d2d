import type { OpenAPIHono } from "@hono/zod-openapi";
import { type AppEnv, Problem } from "./shared.ts";

const methods = ["get", "post", "put", "patch", "delete"] as const;

/**
 * The OpenAPI document of the routes. Every operation may answer with a problem; that is said once here instead
 * of in each route.
 */
export function openApiDocument(router: OpenAPIHono<AppEnv>, version: string) {
  router.openAPIRegistry.register("Problem", Problem);
  router.openAPIRegistry.registerComponent("securitySchemes", "bearer", {
    type: "http",
    scheme: "bearer",
  });
  const document = router.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Holdfast",
      version,
      description: "Keeps a time-series Postgres fast and whole, and proves it.",
      license: { name: "MIT" },
    },
    security: [{}, { bearer: [] }],
  });
  for (const path of Object.values(document.paths ?? {})) {
    for (const method of methods) {
      const operation = path[method];
      if (!operation) continue;
      operation.responses ??= {};
      operation.responses.default ??= {
        description: "A problem document (RFC 9457)",
        content: {
          "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } },
        },
      };
    }
  }
  return document;
}
