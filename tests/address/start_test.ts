import assert from "node:assert/strict";
import { createHoldfast } from "../../app/holdfast.ts";
import { type StartRetry, startRetry } from "../../app/preparation.ts";
import { readConfig } from "../../config/config.ts";
import { StartError } from "../../errors.ts";
import { createLogger } from "../../log.ts";
import { upgrade } from "../../runtime/http/web_socket.ts";
import { type Certificates, createCertificates } from "../helpers/certificates.ts";
import { within } from "../helpers/eventually.ts";
import { freePort, startProcess } from "../helpers/process.ts";
import { passOverDriver } from "../helpers/rejections.ts";
import { debianPostgres, testWith } from "../helpers/skip.ts";
import { startTlsServer, type TlsServer } from "../helpers/tls_server.ts";

passOverDriver();

let made: Certificates;
let server: TlsServer;
let ca: string;
let folder: string;

Deno.test.beforeAll(async () => {
  folder = await Deno.makeTempDir({ prefix: "holdfast-start-" });
  await Deno.chmod(folder, 0o755);
  if (!debianPostgres.present) return;
  made = await createCertificates();
  ca = await made.authority("ca");
  const { cert, key } = await made.issue(ca, "server", "/CN=ignored", "DNS:localhost");
  server = await startTlsServer({ cert, key, ca });
});
Deno.test.afterAll(async () => {
  await server?.remove();
  await made?.remove();
  await Deno.remove(folder, { recursive: true });
});

/** Starts a whole Holdfast in this process and returns the line with which its start ends. */
async function refusal(
  env: Record<string, string>,
  { purpose = "server", retry = startRetry }: { purpose?: "server" | "tool"; retry?: StartRetry } =
    {},
) {
  const refusals: { line: string; said: string[]; waitedMs: number }[] = [];
  await within(10_000, "the start ends", async () => {
    const said: string[] = [];
    const holdfast = await createHoldfast({
      config: readConfig({ HOME: "/nowhere", HOLDFAST_DATA_DIR: folder, ...env }),
      log: createLogger({ level: "error", write: () => {} }),
      upgrade,
      version: "0.0.0-test",
      purpose,
      retry,
      say: (line) => said.push(line),
    });
    const began = performance.now();
    const error = await holdfast.start(AbortSignal.timeout(120_000)).then(
      () => assert.fail(`${JSON.stringify(env)} started`),
      (thrown: unknown) => thrown,
    );
    const waitedMs = performance.now() - began;
    await holdfast.stop();
    assert.ok(error instanceof StartError, String(error));
    assert.ok(!error.message.includes("\n"), "one line");
    assert.doesNotMatch(error.message, /hunter2/);
    refusals.push({ line: error.message, said, waitedMs });
    return waitedMs;
  });
  return refusals.at(-1)!;
}

testWith(
  debianPostgres,
  "what no further try can mend ends a first start in one line",
  async () => {
    const url = (at: string, rest = "") => `postgres://${at}:${server.port}/${rest}`;
    const cases: [Record<string, string>, RegExp][] = [
      [
        { DATABASE_URL: url("none:hunter2@localhost", "postgres") },
        /^DATABASE_URL: password authentication failed for user "none" \(28P01\), at localhost:\d+\/postgres as user none; check user and password$/,
      ],
      [
        { DATABASE_URL: url("postgres@localhost", "none") },
        /^DATABASE_URL: database "none" does not exist \(3D000\), at localhost/,
      ],
      [
        { DATABASE_URL: "postgres://postgres@no-such-host.invalid/postgres" },
        /^DATABASE_URL: .*no-such-host\.invalid.*; check the host's name$/,
      ],
      [
        {
          DATABASE_URL: url("postgres@127.0.0.1", `postgres?sslmode=verify-full&sslrootcert=${ca}`),
        },
        /^DATABASE_URL: the certificate of 127\.0\.0\.1:\d+ is for localhost, not for 127\.0\.0\.1 /,
      ],
      [
        {
          DATABASE_URL: url("postgres@localhost", "postgres?sslmode=verify-full"),
          PGSSLROOTCERT: made.folder + "/server.crt",
        },
        /^DATABASE_URL: .*certificate.*; check sslmode, sslrootcert, sslcert and the host's name$/,
      ],
      [
        { DATABASE_URL: url("postgres@localhost", "postgres?sslmode=disable") },
        /^DATABASE_URL: no pg_hba\.conf entry .* \(28000\)/,
      ],
    ];
    for (const [env, line] of cases) assert.match((await refusal(env)).line, line);
    const web = Deno.serve({ port: 0, onListen: () => {} }, () => new Response());
    const { line } = await refusal({ DATABASE_URL: `postgres://u@127.0.0.1:${web.addr.port}/x` });
    await web.shutdown();
    assert.match(
      line,
      /^DATABASE_URL: 127\.0\.0\.1:\d+ does not answer as a Postgres server does /,
    );
  },
);

Deno.test("a server that is away is named at once; a command gives it a few seconds, a server waits", async () => {
  const url = `postgres://u:hunter2@127.0.0.1:${freePort()}/x`;
  const retry = { afterMs: [10, 20, 100], unreachableMs: 250, unresolvedMs: 1 };
  const { line, said, waitedMs } = await refusal({ DATABASE_URL: url }, { purpose: "tool", retry });
  assert.ok(waitedMs > retry.unreachableMs, "it has waited");
  // By default a few seconds, and with the last wait within ten.
  const { afterMs, unreachableMs } = startRetry;
  assert.ok(unreachableMs > 3_000 && afterMs.reduce((sum, ms) => sum + ms) < 10_000);
  assert.match(line, /^DATABASE_URL: .*ECONNREFUSED.* at 127\.0\.0\.1:\d+\/x as user u$/);
  assert.deepEqual(said, [`${line}; trying again until it answers`]);
});

testWith(
  debianPostgres,
  "an authority of DENO_CERT vouches for the name it is for, and for no other",
  async () => {
    const start = (host: string, env: Record<string, string> = {}) => {
      const url = `postgres://postgres@${host}:${server.port}/postgres?sslmode=verify-full`;
      return startProcess({
        env: {
          DATABASE_URL: url,
          DENO_CERT: ca,
          HOLDFAST_DATA_DIR: folder,
          PORT: String(freePort()),
          ...env,
        },
      });
    };
    const wrong = start("127.0.0.1");
    assert.equal(await wrong.exited, 1);
    assert.match(
      wrong.errors(),
      /^Cannot start: DATABASE_URL: the certificate .* is for localhost, not for 127\.0\.0\.1 .*\n$/,
    );
    const right = start("localhost");
    await right.ready();
    right.kill("SIGTERM");
    assert.equal(await right.exited, 0, right.errors());
  },
);

testWith(
  debianPostgres,
  "the variables of libpq alone lead to their server, and a line says so",
  async () => {
    const variables = {
      PGHOST: "localhost",
      PGPORT: String(server.port),
      PGUSER: "postgres",
      PGDATABASE: "postgres",
      PGTARGETSESSIONATTRS: "any",
      PGSSLMODE: "require",
    };
    const env = { ...variables, PORT: String(freePort()), HOLDFAST_DATA_DIR: folder };
    const app = startProcess({ env });
    await app.ready();
    app.kill("SIGTERM");
    assert.equal(await app.exited, 0, app.errors());
    assert.match(
      app.errors(),
      /^Holdfast uses the Postgres that PGHOST names: localhost:\d+\/postgres as user postgres \(DATABASE_URL=embedded/,
    );
    // Where an embedded one has its data, either may be meant.
    await Deno.mkdir(`${folder}/both/postgres`, { recursive: true });
    await Deno.writeTextFile(`${folder}/both/postgres/PG_VERSION`, "18\n");
    const doubtful = startProcess({ env: { ...env, HOLDFAST_DATA_DIR: `${folder}/both` } });
    assert.equal(await doubtful.exited, 1);
    assert.match(
      doubtful.errors(),
      /^Cannot start: PGHOST names a server .*DATABASE_URL=postgres:\/\/ .*DATABASE_URL=embedded/,
    );
  },
);
