import assert from "node:assert/strict";
import { connectSql, type Sql } from "../../db/connection.ts";
import { codeOf, describeDatabaseError } from "../../db/errors.ts";
import { forPrograms } from "../../db/address/programs.ts";
import { openWalsender } from "../../db/backups/walsender.ts";
import { type Certificates, createCertificates } from "../helpers/certificates.ts";
import { debianPostgres, psql, slowTests, testWith } from "../helpers/skip.ts";
import { eventually } from "../helpers/eventually.ts";
import { startTlsServer, type TlsServer } from "../helpers/tls_server.ts";
import { findBinaries } from "../helpers/server.ts";
import { passOverDriver } from "../helpers/rejections.ts";
import { dirname } from "node:path";

passOverDriver();

const password = "p/a:s@s'w\\ö%rd";
const escaped = encodeURIComponent(password).replace("'", "%27");

let made: Certificates;
let ca: string;
let foreign: string;
const bin18 = dirname((await findBinaries("18")).initdb);

Deno.test.beforeAll(async () => {
  made = await createCertificates();
  ca = await made.authority("ca");
  foreign = await made.authority("foreign");
});
Deno.test.afterAll(() => made.remove());

const open = (url: string, env: Record<string, string> = {}): Sql =>
  connectSql({
    target: { kind: "url", url, env: { HOME: "/nowhere", ...env } },
    max: 1,
    applicationName: "test",
    statementTimeoutMs: 5_000,
    lockTimeoutMs: 1_000,
    pooled: false,
  });

/** Returns what the session is: database, role, and whether it is encrypted; or the code and text of the refusal. */
async function session(url: string, env: Record<string, string> = {}): Promise<string> {
  try {
    const sql = open(url, env);
    try {
      const [row] = await sql`
        select current_database() as database, current_user as role, ssl
        from pg_stat_ssl
        where pid = pg_backend_pid()`;
      return `${row?.database} ${row?.role} ${row?.ssl ? "tls" : "plain"}`;
    } finally {
      await sql.end({ timeout: 1 });
    }
  } catch (error) {
    return `${codeOf(error)}: ${describeDatabaseError(error)}`;
  }
}

/** Returns the same from a real psql, which is libpq itself. */
async function psqlSession(conninfo: string, env: Record<string, string>): Promise<string> {
  const query = "select current_database() || ' ' || current_user || ' ' || " +
    "case when ssl then 'tls' else 'plain' end from pg_stat_ssl where pid = pg_backend_pid()";
  const { stdout, stderr } = await new Deno.Command("psql", {
    args: ["-X", "-A", "-t", "--no-password", "-c", query, conninfo],
    env: { PATH: Deno.env.get("PATH") ?? "", HOME: "/nowhere", ...env },
    clearEnv: true,
  }).output();
  const decoder = new TextDecoder();
  return decoder.decode(stdout).trim() || decoder.decode(stderr);
}

async function prepare({ sockets, port }: TlsServer): Promise<void> {
  const admin = open(`postgres://postgres@/postgres?host=${sockets}&port=${port}`);
  await admin.unsafe(`
    create role "us er" login replication password '${password.replace("'", "''")}';
    create role certified login`);
  await admin.unsafe(`create database "eu trades/%"`);
  await admin.end();
}

/** An address, the variables beside it, and what the session is. */
type Form = [url: string, env: Record<string, string>, session: string];

const ipv6 = (() => {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch {
    console.error("SKIPPED for want of IPv6: an address in brackets");
    return false;
  }
})();

/** Servers to test, each with a certificate for localhost by our authority. */
const versions: [string, { present: boolean; what: string }, string][] = [
  ["15", debianPostgres, debianPostgres.bin],
  ["18", { present: true, what: "" }, bin18],
];

for (const [major, needs, bin] of versions) {
  testWith(
    needs,
    `each form of address reaches a server that takes TLS only, on ${major}`,
    async () => {
      const { cert, key } = await made.issue(
        ca,
        `server${major}`,
        "/CN=ignored",
        "DNS:localhost,IP:127.0.0.1,IP:::1",
      );
      const client = await made.issue(ca, `client${major}`, "/CN=certified");
      const locked = `${made.folder}/locked${major}.key`;
      await new Deno.Command("openssl", {
        args: ["pkcs8", "-topk8", "-in", client.key, "-out", locked, "-passout", "pass:sesame"],
      }).output();
      const listen = ipv6 ? "127.0.0.1,::1" : "127.0.0.1";
      const server = await startTlsServer({ bin, cert, key, ca, listen });
      const { port, sockets } = server;
      const files: Record<string, string> = {
        pass: `localhost:${port}:*:us er:${password.replace(/[\\:]/g, "\\$&")}\n`,
        service: `[trading]\nhost=localhost\nport=${port}\nuser=us er\ndbname=eu trades/%\n`,
      };
      for (const [name, text] of Object.entries(files)) {
        await Deno.writeTextFile(`${made.folder}/${name}${major}`, text);
        await Deno.chmod(`${made.folder}/${name}${major}`, 0o600);
      }
      const file = (name: string) => `${made.folder}/${name}${major}`;
      try {
        await prepare(server);
        const at = `us%20er:${escaped}@localhost:${port}/eu%20trades%2F%25`;
        const words = `host=localhost port=${port} user='us er' dbname='eu trades/%' password='${
          password.replace(/[\\']/g, "\\$&")
        }'`;
        const full = `sslmode=verify-full&sslrootcert=${ca}`;
        const ours = "eu trades/% us er tls";
        const forms: Form[] = [
          [`postgres://${at}`, {}, ours],
          [`postgresql://${at}?sslmode=allow`, {}, ours],
          [`postgres://${at}?sslmode=prefer`, {}, ours],
          [`postgres://${at}?sslmode=require`, {}, ours],
          [`postgres://${at}?ssl=true`, {}, ours],
          [`postgres://${at}?sslmode=require&sslrootcert=${ca}`, {}, ours],
          [`postgres://${at}?sslmode=verify-ca&sslrootcert=${ca}`, {}, ours],
          [`postgres://${at}?${full}`, {}, ours],
          [`postgres://${at}?${full}&sslsni=0&ssl_min_protocol_version=TLSv1.3`, {}, ours],
          [`postgres://${at.replace("localhost", "127.0.0.1")}?${full}`, {}, ours],
          [`postgres://${at}?${full}&hostaddr=127.0.0.1`, {}, ours],
          [`postgres://${at}`, { PGSSLMODE: "verify-full", PGSSLROOTCERT: ca }, ours],
          [words, {}, ours],
          [`${words} sslmode=verify-full sslrootcert=${ca}`, {}, ours],
          [`postgres://localhost:1,${at.replace(/^.*@/, "").replace("/", "/")}`, {
            PGUSER: "us er",
            PGPASSWORD: password,
          }, ours],
          ["postgres://", {
            PGHOST: "localhost",
            PGPORT: String(port),
            PGUSER: "us er",
            PGPASSWORD: password,
            PGDATABASE: "eu trades/%",
            PGSSLMODE: "require",
          }, ours],
          ["service=trading", { PGSERVICEFILE: file("service"), PGPASSFILE: file("pass") }, ours],
          ["postgres://", {
            PGSERVICE: "trading",
            PGSERVICEFILE: file("service"),
            PGPASSFILE: file("pass"),
          }, ours],
          [
            `postgres://certified@localhost:${port}/postgres?${full}&sslcert=${client.cert}&sslkey=${client.key}`,
            {},
            "postgres certified tls",
          ],
          [
            `postgres://certified@localhost:${port}/postgres?${full}&sslcert=${client.cert}&sslkey=${locked}&sslpassword=sesame`,
            {},
            "postgres certified tls",
          ],
          [`postgres:///eu%20trades%2F%25?host=${sockets}&port=${port}&user=us%20er`, {
            PGPASSWORD: password,
          }, "eu trades/% us er plain"],
          [
            `postgres://us%20er:${escaped}@${encodeURIComponent(sockets)}:${port}/postgres`,
            {},
            "postgres us er plain",
          ],
          [
            `postgres://us%20er:${escaped}@/postgres?host=${
              encodeURIComponent(sockets)
            }&port=${port}&sslmode=verify-full&sslrootcert=${ca}`,
            {},
            "postgres us er plain",
          ],
          ...(ipv6
            ? [[`postgres://${at.replace("localhost", "[::1]")}?${full}`, {}, ours] as Form]
            : []),
          ...(major === "15" ? [] : [[
            `postgres://${at}?${full}&sslnegotiation=direct`,
            {},
            ours,
          ] as Form]),
        ];
        for (const [url, env, expected] of forms) {
          assert.equal(await session(url, env), expected, `${url} ${JSON.stringify(env)}`);
        }
        if (major === "15" && psql.present) {
          const some = forms.filter((_, at) => slowTests.present || at % 6 === 0);
          await Promise.all(some.map(async ([url, env, expected]) => {
            if (slowTests.present) {
              assert.equal(await psqlSession(url, env), expected, `psql ${url}`);
            }
            // The password of a key cannot be handed over.
            if (url.includes("sslpassword")) return;
            const handed = forPrograms({ kind: "url", url, env: { HOME: "/nowhere", ...env } });
            assert.equal(await psqlSession(handed.conninfo, handed.env), expected, handed.conninfo);
          }));
        }
        const other = await made.issue(foreign, `other${major}`, "/CN=certified");
        const refused: [string, Record<string, string>, RegExp][] = [
          [`postgres://${at}?sslmode=disable`, {}, /^28000: .*no pg_hba.conf entry/],
          [`postgres://us%20er:wrong@localhost:${port}/postgres`, {}, /^28P01: /],
          [`postgres://us%20er:wrong@localhost:${port}/postgres?sslmode=allow`, {}, /^28P01: /],
          [`postgres://us%20er:wrong@localhost:${port}/postgres?sslmode=require`, {}, /^28P01: /],
          [`postgres://us%20er:${escaped}@localhost:${port}/none`, {}, /^3D000: /],
          [`postgres://certified@localhost:${port}/postgres?${full}`, {}, /^28000: /],
          [
            `postgres://${at}?sslmode=verify-full&sslrootcert=${foreign}`,
            {},
            /^(UNABLE|SELF|CERT)/,
          ],
          [`postgres://${at}?sslmode=verify-ca&sslrootcert=${foreign}`, {}, /^(UNABLE|SELF|CERT)/],
          [`postgres://${at}?sslmode=require&sslrootcert=${foreign}`, {}, /^(UNABLE|SELF|CERT)/],
          // Roots of the runtime's own do not stand beside the one that was given.
          [
            `postgres://${at}?sslmode=verify-full&sslrootcert=system`,
            {},
            /^(UNABLE|SELF|CERT|DEPTH)/,
          ],
        ];
        for (const [url, env, expected] of refused) {
          assert.match(await session(url, env), expected, url);
        }
        const unknown =
          `postgres://certified@localhost:${port}/postgres?${full}&sslcert=${other.cert}&sslkey=${other.key}`;
        // With TLS 1.3 the reason may be lost with the connection; a start tries again then.
        const answers: string[] = [];
        await eventually(async () => {
          answers.push(await session(unknown));
          return /^ERR_SSL_.*UNKNOWN_CA/.test(answers.at(-1) ?? "");
        }, "the certificate of another authority is refused with the reason");
        for (const answer of answers.slice(0, -1)) {
          assert.match(answer, /^CONNECTION_CLOSED: .*refuses the client's certificate/);
        }
        const walsender = await openWalsender({
          kind: "url",
          url: `postgres://${at}?${full}`,
          env: { HOME: "/nowhere" },
        });
        walsender.close();
        assert.equal(String(Math.floor(walsender.version / 10_000)), major);
      } finally {
        await server.remove();
      }
    },
  );
}

testWith(
  debianPostgres,
  "verify-full compares the certificate with what was connected to",
  async (t) => {
    const cases: [string, string, string | undefined, Record<string, RegExp>][] = [
      ["a name", "/CN=ignored", "DNS:localhost", {
        localhost: /tls$/,
        "127.0.0.1": /^ERR_TLS_CERT_ALTNAME_INVALID: .*is for localhost, not for 127\.0\.0\.1/,
      }],
      ["other names", "/CN=localhost", "DNS:db.example.org,DNS:*.example.org,IP:10.0.0.1", {
        localhost: /^ERR_TLS_CERT_ALTNAME_INVALID: /,
        "127.0.0.1": /^ERR_TLS_CERT_ALTNAME_INVALID: /,
        "hostaddr=127.0.0.1 host=x.example.org": /tls$/,
        "hostaddr=127.0.0.1 host=x.y.example.org": /^ERR_TLS_CERT_ALTNAME_INVALID: /,
      }],
      ["an address", "/CN=localhost", "IP:127.0.0.1", {
        "127.0.0.1": /tls$/,
        localhost: /tls$/, // libpq: the common name counts where there is no DNS name
      }],
      ["a name with a comma", "/CN=x", "@names\n[names]\nDNS.1=evil.example, DNS:localhost", {
        localhost: /^ERR_TLS_CERT_ALTNAME_INVALID: /,
      }],
      ["a common name alone", "/CN=localhost", undefined, {
        localhost: /tls$/,
        "127.0.0.1": /^ERR_TLS_CERT_ALTNAME_INVALID: /,
      }],
    ];
    const first = await made.issue(ca, "first", "/CN=first");
    const server = await startTlsServer({ ...first, ca });
    const rest = `port=${server.port} user=postgres dbname=postgres sslrootcert=${ca}`;
    try {
      for (const [name, subject, names, expected] of cases) {
        await t.step(`for ${name}`, async () => {
          await server.change(await made.issue(ca, "next", subject, names));
          for (const [host, result] of Object.entries(expected)) {
            const where = `${host.includes("=") ? host : `host=${host}`} ${rest}`;
            assert.match(await session(`${where} sslmode=verify-full`), result, where);
            assert.match(await session(`${where} sslmode=verify-ca`), /tls$/, where);
          }
        });
      }
      await t.step("also that of a program, by the roots that Holdfast trusts", async () => {
        if (!psql.present) return;
        await server.change(await made.issue(ca, "next", "/CN=ignored", "DNS:localhost"));
        const url = `postgres://postgres@localhost:${server.port}/postgres?sslmode=verify-full`;
        const from = async (env: Record<string, string>) => {
          const handed = forPrograms({ kind: "url", url, env: { HOME: "/nowhere", ...env } });
          return await psqlSession(handed.conninfo, handed.env);
        };
        assert.equal(await from({ DENO_CERT: ca }), "postgres postgres tls");
        assert.match(await from({ DENO_CERT: foreign }), /certificate verify failed/);
        assert.match(await from({}), /certificate verify failed/);
      });
      await t.step("that vouches for itself, where it is the root given", async () => {
        const self = await made.selfSigned("self", "/CN=localhost");
        await server.change(self);
        const at = `port=${server.port} user=postgres sslmode=verify-full sslrootcert=${self.cert}`;
        assert.match(await session(`host=localhost ${at}`), /tls$/);
        assert.match(await session(`host=127.0.0.1 ${at}`), /ALTNAME_INVALID/);
        assert.match(
          await session(`host=localhost ${rest} sslmode=verify-full`),
          /^DEPTH_ZERO|^SELF/,
        );
      });
      await t.step("and allow and prefer take what pg_hba.conf and the chain leave", async () => {
        const at = `host=localhost port=${server.port} user=postgres dbname=postgres`;
        await server.change({ hba: ["local all all trust", "host all all all trust"] });
        assert.match(await session(at), /tls$/);
        assert.match(await session(`${at} sslmode=allow`), /plain$/);
        assert.match(await session(`${at} sslmode=disable`), /plain$/);
        // A chain that does not hold costs the encryption under prefer, as with libpq.
        assert.match(await session(`${at} sslrootcert=${ca}`), /plain$/);
        await server.change({ hba: ["local all all trust", "hostnossl all all all trust"] });
        assert.match(await session(at), /plain$/);
        assert.match(await session(`${at} sslmode=require`), /^28000: /);
      });
    } finally {
      await server.remove();
    }
  },
);
