import assert from "node:assert/strict";
import { assertGone, countTicks, createFleet, storeTick } from "../helpers/fleet.ts";
import { postmastersOf } from "../helpers/process.ts";
import { testWith } from "../helpers/skip.ts";

const { start, newFolder, adopt, clear } = createFleet();

Deno.test.afterAll(clear);

const asRoot = { what: "root", present: Deno.uid() === 0 };

testWith(
  asRoot,
  "root may keep the data where no one else may enter, under the strictest umask",
  async () => {
    const closed = await newFolder(0o700);
    const dir = `${closed}/data`;
    const umask = Deno.umask(0o077);
    const app = start(dir);
    Deno.umask(umask);
    await app.ready();
    const home = String(app.logged("embedded_postgres_ready")[0]?.directory).replace(
      /\/postgres$/,
      "",
    );
    assert.match(home, /^\/var\/lib\/holdfast\/[0-9a-f]{12}$/);
    adopt(home);
    await storeTick(app.url);
    app.interrupt();
    assert.equal(await app.exited, 0);
    assert.deepEqual(await postmastersOf(home), []);

    await Deno.chmod(closed, 0o755);
    const opened = start(dir);
    await opened.ready();
    assert.equal(await countTicks(opened.url), 1, "also once the directory is opened");
    opened.interrupt();
    assert.equal(await opened.exited, 0);
  },
);

testWith(
  asRoot,
  "an ordinary user starts a fresh copy of the project, and root may run it on",
  async () => {
    const user = 65_534; // nobody, whom every Linux knows: initdb asks for the name
    const home = await newFolder();
    const project = `${home}/project`;
    const root = new URL("../..", import.meta.url).pathname;
    await Deno.mkdir(project);
    // Deno looks at the registry's metadata; with those already fetched it asks nobody.
    const cache = Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`;
    const script =
      `mkdir "$3" && (cd "$2" && find npm -name registry.json) | tar -C "$2" -T - -cf - |
      tar -C "$3" -xf - &&
    tar -C "$0" --exclude=.git --exclude=.holdfast -cf - . | tar -C "$1" -xf - &&
    chown -R ${user}:${user} "$4" && chmod 0700 "$4"`;
    const args = ["-c", script, root, project, cache, `${home}/deno`, home];
    const copy = await new Deno.Command("sh", { args }).output();
    assert.equal(copy.code, 0, new TextDecoder().decode(copy.stderr));
    const env = { HOME: home, DENO_DIR: `${home}/deno` };
    const dir = `${project}/.holdfast`;
    const app = start(dir, env, { cwd: project, user });
    await app.ready(120_000);
    assert.deepEqual((await postmastersOf(dir)).map(({ uid }) => uid), [user]);
    await storeTick(app.url);
    app.interrupt();
    assert.equal(await app.exited, 0, app.errors());
    await assertGone(dir);

    const raised = start(dir);
    await raised.ready();
    assert.deepEqual((await postmastersOf(dir)).map(({ uid }) => uid), [user], "its maker runs it");
    assert.equal(await countTicks(raised.url), 1);
    raised.interrupt();
    assert.equal(await raised.exited, 0);

    const closed = await newFolder(0o700);
    const refused = start(`${closed}/data`, env, { cwd: project, user });
    assert.equal(await refused.exited, 1);
    assert.match(
      refused.errors(),
      /^Cannot start: HOLDFAST_DATA_DIR is ".*" \(.*\); allowed: .*\n$/,
    );
  },
);
