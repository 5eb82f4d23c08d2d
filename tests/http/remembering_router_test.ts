import assert from "node:assert/strict";
import { RememberingRouter } from "../../routes/common/remembering_router.ts";

const handlersOf = (router: RememberingRouter<string>, method: string, path: string) => {
  const [found] = router.match(method, path);
  return found.map(([handler, params]) => [handler, { ...params }]);
};

Deno.test("a path asked for again has the same handlers, with the parameters of its own", () => {
  const router = new RememberingRouter<string>();
  router.add("ALL", "*", "guard");
  router.add("GET", "/ticks", "list");
  router.add("GET", "/ticks/:id", "one");
  for (let round = 0; round < 2; round++) {
    assert.deepEqual(handlersOf(router, "GET", "/ticks"), [["guard", {}], ["list", {}]]);
    assert.deepEqual(handlersOf(router, "GET", "/ticks/1"), [["guard", {}], ["one", { id: "1" }]]);
    assert.deepEqual(handlersOf(router, "GET", "/ticks/2"), [["guard", {}], ["one", { id: "2" }]]);
    assert.deepEqual(handlersOf(router, "POST", "/ticks"), [["guard", {}]]);
  }
  router.add("POST", "/ticks", "store");
  assert.deepEqual(handlersOf(router, "POST", "/ticks"), [["guard", {}], ["store", {}]]);
});

Deno.test("only short paths are kept, and a bounded number of them", () => {
  const router = new RememberingRouter<string>();
  router.add("GET", "/:name", "one");
  const match = (path: string) => router.match("GET", path);
  assert.equal(match("/short"), match("/short"));
  const long = `/${"x".repeat(200)}`;
  assert.notEqual(match(long), match(long));
  const first = match("/0");
  for (let at = 1; at <= 256; at++) match(`/${at}`);
  assert.notEqual(match("/0"), first);
});
