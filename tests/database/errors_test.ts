import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { isUnreachable, markUnreachable, toHoldfastError } from "../../db/errors.ts";

const missing = "/nowhere/at/all";

Deno.test("a file that is missing is not taken for a database that cannot be reached", async () => {
  const error = await readFile(missing).catch((error) => error);
  assert.equal(error.code, "ENOENT");
  assert.equal(isUnreachable(error), false);
  const known = toHoldfastError(error);
  assert.equal(known.code, "internal");
  assert.match(known.message, new RegExp(`A file cannot be used: .*${missing}`));
  assert.equal(isUnreachable(known), false);
});

Deno.test("a socket that is missing is a database that cannot be reached", async () => {
  const error = await new Promise<Error & { code?: string }>((resolve) =>
    connect({ path: missing }).on("error", resolve)
  );
  assert.equal(error.code, "ENOENT");
  assert.equal(isUnreachable(error), true);
  assert.equal(toHoldfastError(error).code, "database_unavailable");
});

Deno.test("a file that a connection needs and that is missing keeps the database from being reached", async () => {
  const error = markUnreachable(await readFile(missing).catch((error) => error));
  assert.equal(isUnreachable(error), true);
  assert.equal(toHoldfastError(error).code, "database_unavailable");
});
