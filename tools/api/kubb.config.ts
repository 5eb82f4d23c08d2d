import { defineConfig } from "@kubb/core";
import { pluginClient } from "@kubb/plugin-client";
import { pluginOas } from "@kubb/plugin-oas";
import { pluginTs } from "@kubb/plugin-ts";
import { pluginZod } from "@kubb/plugin-zod";

/** Types, zod schemas and functions, whose answers are validated; `generate.ts` says where from and where to. */
export default defineConfig({
  input: { path: Deno.env.get("OPENAPI") ?? "../../openapi.yaml" },
  output: {
    path: Deno.env.get("OUT") ?? "generated/kubb",
    clean: true,
    format: false,
    lint: false,
  },
  plugins: [
    pluginOas({ validate: false, generators: [] }),
    pluginTs({ output: { path: "types" }, enumType: "literal" }),
    pluginZod({ output: { path: "zod" } }),
    pluginClient({ output: { path: "clients" }, client: "fetch", parser: "zod", bundle: true }),
  ],
});
