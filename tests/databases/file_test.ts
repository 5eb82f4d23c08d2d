import assert from "node:assert/strict";
import { readConfig } from "../../config/config.ts";
import { readDatabases, withDatabase } from "../../config/databases.ts";
import { StartError } from "../../errors.ts";

const file = (databases: unknown) => JSON.stringify({ databases });

Deno.test("a file of databases is read, and what is wrong with it is said without quoting an address", () => {
  const [trading, fleet] = readDatabases(
    "d.json",
    file([
      { name: "trading", url: "postgres://u:secret@h/trading" },
      { name: "fleet", url: "host=h dbname=postgres", discover: { exclude: ["scratch"] } },
    ]),
  );
  assert.deepEqual([trading?.name, trading?.discover], ["trading", false]);
  assert.deepEqual(fleet?.discover, { exclude: ["scratch"] });
  const faults: [string, RegExp][] = [
    ["{", /it is not JSON/],
    [file([]), /databases: /],
    [file([{ name: "a" }]), /databases\.0\.url/],
    [file([{ name: "a/b", url: "postgres://h/d" }]), /databases\.0\.name: is 1 to 63 letters/],
    [file([{ name: "a", url: "mysql://u:secret@h/d" }]), /databases\.0\.url: is a URL such as/],
    [file([{ name: "a", url: "embedded" }]), /databases\.0\.url: .*set DATABASE_URL=embedded/],
    [file([{ name: "a", url: "postgres://h/d", uri: 1 }]), /unknown field "uri"/],
    [
      file([{ name: "a", url: "postgres://h/d" }, { name: "a", url: "postgres://h/e" }]),
      /two entries are named "a"/,
    ],
  ];
  for (const [text, message] of faults) {
    assert.throws(
      () => readDatabases("d.json", text),
      (error) =>
        error instanceof StartError && message.test(error.message) &&
        !error.message.includes("secret") && !error.message.includes("\n"),
      String(message),
    );
  }
});

Deno.test("paths without a name lead to the listed default, else to DATABASE_URL, else to the first listed", () => {
  const names = (env: Record<string, string>, ...listed: string[]) => {
    const text = file(listed.map((name) => ({ name, url: `postgres://h/${name}` })));
    const config = readConfig({ HOLDFAST_DATABASES: "d.json", ...env }, () => text);
    return [config.databaseName, config.DATABASE_URL, config.databases.map(({ name }) => name)];
  };
  assert.deepEqual(names({}, "a", "b"), ["a", "postgres://h/a", ["b"]]);
  assert.deepEqual(names({}, "a", "default"), ["default", "postgres://h/default", ["a"]]);
  const own = { DATABASE_URL: "postgres://h/own" };
  assert.deepEqual(names(own, "a"), ["default", "postgres://h/own", ["a"]]);
  assert.deepEqual(names({ DATABASE_URL: "embedded" }, "a"), ["default", undefined, ["a"]]);
  const same = { DATABASE_URL: "postgres://h/default" };
  assert.deepEqual(names(same, "a", "default"), ["default", "postgres://h/default", ["a"]]);
  assert.deepEqual(names({ PGHOST: "h" }, "default"), ["default", "postgres://h/default", []]);
  assert.deepEqual(readConfig({}).databases, []);
});

Deno.test("a listed default beside another DATABASE_URL is refused, without the password in it", () => {
  const text = file([{ name: "default", url: "postgres://h/default" }]);
  for (const url of ["postgres://u:secret@h/own", "embedded"]) {
    const env = { HOLDFAST_DATABASES: "d.json", DATABASE_URL: url };
    assert.throws(
      () => readConfig(env, () => text),
      (error) =>
        error instanceof StartError && !error.message.includes("secret") &&
        /^DATABASE_URL is .*HOLDFAST_DATABASES lists another database named "default"; allowed: /
          .test(error.message),
    );
  }
});

Deno.test("another database of the same server is put into an address of either form", () => {
  assert.equal(
    withDatabase("postgres://u:p@h:1,i:2/a?sslmode=require", "b c"),
    "postgres://u:p@h:1,i:2/b%20c?sslmode=require",
  );
  assert.equal(withDatabase("postgresql://h", "b"), "postgresql://h/b");
  assert.equal(withDatabase("host=h dbname=a", "it's"), "host=h dbname=a dbname='it\\'s'");
});
