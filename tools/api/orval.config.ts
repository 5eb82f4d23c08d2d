/** An upload as JSON: of a body in several forms, orval sends each as JSON and names no type. */
export default {
  holdfast: {
    input: Deno.env.get("OPENAPI") ?? "../../openapi.yaml",
    output: {
      target: `${Deno.env.get("OUT") ?? "generated/orval"}/client.ts`,
      client: "fetch",
      override: { contentType: { include: ["application/json", "application/problem+json"] } },
    },
  },
};
