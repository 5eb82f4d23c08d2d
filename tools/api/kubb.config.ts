import { defineConfig } from "@kubb/core";
import { pluginClient } from "@kubb/plugin-client";
import { pluginOas } from "@kubb/plugin-oas";
import { pluginTs } from "@kubb/plugin-ts";
import { pluginZod } from "@kubb/plugin-zod";

export default defineConfig({
  input: { path: "../../openapi.yaml" },
  output: { path: "/tmp/gen/kubb", clean: true, format: false, lint: false },
  plugins: [
    pluginOas({ validate: false, generators: [] }),
    pluginTs({ output: { path: "types" }, enumType: "literal" }),
    pluginZod({ output: { path: "zod" } }),
    pluginClient({ output: { path: "clients" }, client: "fetch", parser: "zod", bundle: true }),
  ],
});
