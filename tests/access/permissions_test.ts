import assert from "node:assert/strict";
import denoConfig from "../../deno.json" with { type: "json" };
import { placesOf } from "../../commands/common/places.ts";

const root = new URL("../../", import.meta.url).pathname;

/** What a script may do with the permission set `serve`, tried in a process of its own. */
async function attempt(folder: string, attempts: Record<string, string>) {
  // In the project: an import from elsewhere would read what is not the project's.
  const script = `
    const attempts = { ${
    Object.entries(attempts).map(([name, code]) => `${name}: async () => { ${code} }`).join(",\n")
  } };
    for (const [name, attempt] of Object.entries(attempts)) {
      try { await attempt(); console.log(JSON.stringify([name, "done"])); }
      catch (error) {
        const denied = error.name === "NotCapable" || /^Requires \\w+ access/.test(error.message);
        console.log(JSON.stringify([name, denied ? "denied" : "failed: " + error]));
      }
    }`;
  const path = `${folder}/attempt.mjs`;
  await Deno.writeTextFile(path, script);
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", `--config=${root}deno.json`, "-P=serve", path],
    cwd: root,
    env: { SECRET_OF_OTHERS: "hidden", HOLDFAST_SEEN: "shown" },
  }).output();
  const lines = new TextDecoder().decode(stdout).trim().split("\n");
  assert.equal(lines.length, Object.keys(attempts).length, new TextDecoder().decode(stderr));
  return Object.fromEntries(lines.map((line) => JSON.parse(line) as [string, string]));
}

Deno.test("the permission set serve forbids what serving does not need", async () => {
  const folder = await Deno.makeTempDir({ prefix: "holdfast-permissions-" });
  const home = Deno.env.get("HOME") ?? "/root";
  try {
    const seen = await attempt(folder, {
      shadow: `await Deno.readTextFile("/etc/shadow")`,
      home: `await Deno.readTextFile(${JSON.stringify(`${home}/.bashrc`)})`,
      listHome: `[...Deno.readDirSync(${JSON.stringify(home)})]`,
      ssh: `await Deno.stat("/root/.ssh")`,
      environ: `await Deno.readTextFile("/proc/1/environ")`,
      link: `await Deno.symlink("/etc/shadow", ${JSON.stringify(`${folder}/shadow`)})`,
      writeEtc: `await Deno.writeTextFile("/etc/cron.d/holdfast", "")`,
      writeHome: `await Deno.writeTextFile(${JSON.stringify(`${home}/holdfast`)}, "")`,
      // A checkout in the directory for temporary files may be written, as may all that is there.
      ...(root.startsWith("/tmp/") ? {} : {
        writeCode: `(await Deno.open("main.ts", { write: true })).close()`,
        writeSettings: `(await Deno.open("deno.json", { write: true })).close()`,
      }),
      sh: `await new Deno.Command("sh", { args: ["-c", "true"] }).output()`,
      shByPath: `await new Deno.Command("/bin/sh", { args: ["-c", "true"] }).output()`,
      deno: `await new Deno.Command(Deno.execPath(), { args: ["--version"] }).output()`,
      preload:
        `await new Deno.Command("/usr/lib/postgresql/15/bin/pg_ctl", { env: { LD_PRELOAD: "/tmp/x.so" } }).output()`,
      metadata: `await fetch("http://169.254.169.254/latest/meta-data/")`,
      linkLocal: `await Deno.connect({ hostname: "169.254.1.1", port: 80 })`,
      metadataByName: `await fetch("http://metadata.google.internal/")`,
      remoteCode: `await import("https://example.com/code.ts")`,
      ffi: `Deno.dlopen("libc.so.6", {})`,
      interfaces: `Deno.networkInterfaces()`,
      environment:
        `if (Deno.env.get("SECRET_OF_OTHERS") !== undefined || "SECRET_OF_OTHERS" in Deno.env.toObject()) throw Error("seen"); throw new Deno.errors.NotCapable()`,
    });
    for (const [name, result] of Object.entries(seen)) assert.equal(result, "denied", name);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the permission set serve allows what serving needs", async () => {
  const folder = await Deno.makeTempDir({ prefix: "holdfast-permissions-" });
  try {
    const seen = await attempt(folder, {
      code: `await Deno.readTextFile("openapi.yaml")`,
      temporary: `await Deno.writeTextFile(${JSON.stringify(`${folder}/x`)}, "")`,
      users: `await Deno.readTextFile("/etc/passwd")`,
      environment: `if (Deno.env.get("HOLDFAST_SEEN") !== "shown") throw Error("unseen")`,
      listen: `Deno.listen({ hostname: "127.0.0.1", port: 0 }).close()`,
    });
    for (const [name, result] of Object.entries(seen)) assert.equal(result, "done", name);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the set for files that a person names differs from serve in files alone", () => {
  const { serve, files } = denoConfig.permissions;
  assert.deepEqual({ ...files, read: serve.read, write: serve.write }, serve);
  for (const [name, command] of Object.entries(denoConfig.tasks)) {
    if (!/main\.ts (\w+)/.test(command) || command.includes("tests/")) continue;
    assert.match(command, /-P=(serve|files|bench)/, name);
    if (!command.includes("-P=serve")) continue;
    for (const kind of ["read", "write"]) {
      const places =
        `--allow-${kind}="$(deno run -P=places commands/common/places_main.ts ${kind})"`;
      assert.ok(command.includes(places), `${name} may ${kind} where its settings say`);
    }
  }
});

Deno.test("places that the settings name are allowed, and no more", () => {
  assert.deepEqual(placesOf({ PATH: "/bin", HOME: "/home/me" }, {}), { read: [], write: [] });
  assert.deepEqual(
    placesOf(
      { HOLDFAST_DATA_DIR: "/srv/a b", HOLDFAST_CONFIG: "/etc/hf.json", HOLDFAST_TOKEN: "/x" },
      { HOLDFAST_BACKUP_DIR: "/mnt/backups", HOLDFAST_DATA_DIR: "/not/this" },
    ),
    {
      read: ["/mnt/backups", "/etc/hf.json", "/srv/a b"],
      write: ["/mnt/backups", "/srv/a b"],
    },
  );
  assert.deepEqual(
    placesOf({
      DATABASE_URL: "postgres://u@h/db?host=/run/pg,db.example&sslrootcert=/ca/root.pem",
      PGPASSFILE: "/secret/pgpass",
      HOME: "/home/me",
    }, {}),
    {
      read: [
        "/ca/root.pem",
        "/run/pg",
        "/secret/pgpass",
        "/home/me/.pgpass",
        "/home/me/.pg_service.conf",
        "/home/me/.postgresql",
      ],
      write: ["/run/pg", "/secret/pgpass"],
    },
  );
  assert.deepEqual(placesOf({ HOLDFAST_DATA_DIR: "/a,/etc" }, {}), { read: [], write: [] });
});
