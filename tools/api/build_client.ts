/**
 * `deno task client:build`: compiles client/ into client/dist, as it is published: modules and declarations for every
 * runtime. Exits 1 when the compiler complains.
 */
const here = new URL("./", import.meta.url).pathname;
const { code, stdout } = await new Deno.Command(Deno.execPath(), {
  args: ["run", "-A", "node_modules/.bin/tsc", "--project", "tsconfig.client.json"],
  cwd: here,
}).output();
console.log(new TextDecoder().decode(stdout) || "client/dist is built");
Deno.exit(code);
