import assert from "node:assert/strict";
import fc from "fast-check";
import { readConfig } from "../../config/config.ts";
import { type Address, hostLabel, type Machine, readAddress } from "../../db/address/address.ts";
import { findPassword, formatKeywords, parseConnectionString } from "../../db/address/grammar.ts";
import { parameters } from "../../db/address/parameters.ts";
import { forPrograms } from "../../db/address/programs.ts";
import { findSystemRoots } from "../../db/address/tls.ts";
import { describeServerChoice } from "../../commands/common/server_choice.ts";
import { StartError } from "../../errors.ts";

/** A machine with nothing on it but these files. */
function machine(
  { env = {}, files = {}, open = [] }: {
    env?: Record<string, string>;
    files?: Record<string, string>;
    open?: string[];
  } = {},
): Machine {
  return {
    env,
    home: "/home/me",
    userName: () => "me",
    readFile: (path) => files[path],
    exists: (path) => path in files,
    isOpenToOthers: (path) => open.includes(path),
  };
}

const brief = ({ hosts, database, user }: Address) => [
  hosts.map(hostLabel).join(" "),
  database,
  user,
  hosts[0]?.password,
];

function refusal(text: string, on = machine()): string {
  try {
    readAddress(text, on);
  } catch (error) {
    assert.ok(error instanceof StartError, String(error));
    assert.ok(!error.message.includes("\n"), "one line");
    assert.doesNotMatch(error.message, /hunter2/);
    return error.message;
  }
  assert.fail(`${text} was taken`);
}

Deno.test("every form of address means what it means to libpq", () => {
  const forms: [string, unknown[]][] = [
    ["postgres://u:p@db:6000/x", ["db:6000", "x", "u", "p"]],
    ["postgresql://u@db", ["db:5432", "u", "u", undefined]],
    ["postgres://", ["localhost:5432", "me", "me", undefined]],
    ["postgres://db/eu%20trades", ["db:5432", "eu trades", "me", undefined]],
    ["postgres://a%40b:p%2F%3A%40%25@db/%e2%82%ac%2525", ["db:5432", "€%25", "a@b", "p/:@%"]],
    ["postgres://u:p@ss@db/x", ["db:5432", "x", "u", "p@ss"]],
    ["postgres://u@[::1]:6000/x", ["[::1]:6000", "x", "u", undefined]],
    ["postgres://[2001:db8::1]", ["[2001:db8::1]:5432", "me", "me", undefined]],
    ["postgres://a,b:6000,[::1]:7000/x", ["a:5432 b:6000 [::1]:7000", "x", "me", undefined]],
    ["postgres://a,b/x?port=6000", ["a:6000 b:6000", "x", "me", undefined]],
    ["postgres:///x?host=/run/pg", ["/run/pg/.s.PGSQL.5432", "x", "me", undefined]],
    ["postgres://u@/x?host=/run/pg&port=6000", ["/run/pg/.s.PGSQL.6000", "x", "u", undefined]],
    ["postgres://u@localhost/x?host=%2Frun%2Fpg", ["/run/pg/.s.PGSQL.5432", "x", "u", undefined]],
    ["postgres://u@%2Frun%2Fpg:6000/x", ["/run/pg/.s.PGSQL.6000", "x", "u", undefined]],
    ["postgres://db/x?user=u&password=p", ["db:5432", "x", "u", "p"]],
    ["host=db dbname=x user=u password=p", ["db:5432", "x", "u", "p"]],
    [" host = db  dbname = 'eu trades' user='o\\'k' ", ["db:5432", "eu trades", "o'k", undefined]],
    ["host=a,b port=1,2 dbname=x\\ y", ["a:1 b:2", "x y", "me", undefined]],
    ["hostaddr=10.0.0.1 host=db user=u", ["db:5432", "u", "u", undefined]],
    ["hostaddr=10.0.0.1 password=''", ["10.0.0.1:5432", "me", "me", undefined]],
  ];
  for (const [text, expected] of forms) {
    assert.deepEqual(brief(readAddress(text, machine())), expected, text);
  }
  const { hosts } = readAddress("host=db hostaddr=10.0.0.1", machine());
  assert.equal(hosts[0]?.address, "10.0.0.1");
});

Deno.test("what the string leaves out comes from its service, then the environment, then the defaults", () => {
  const files = {
    "/home/me/.pg_service.conf":
      "# ours\n[other]\nhost=no\n\n[trading]\nhost=db2\ndbname=trades\nuser=svc\n[more]\nport=1\n",
    "/var/run/postgresql/.s.PGSQL.6001": "",
    "/home/me/.pgpass":
      "# comment\nother:*:*:*:no\ndb2:5432:trades:*:from\\:file\nlocalhost:*:*:*:local\n",
    "/etc/pass": "*:*:*:*:elsewhere",
  };
  const on = (env: Record<string, string>) => machine({ env, files });
  const forms: [string, Record<string, string>, unknown[]][] = [
    ["postgres://", { PGHOST: "h", PGPORT: "1", PGUSER: "u", PGDATABASE: "d", PGPASSWORD: "p" }, [
      "h:1",
      "d",
      "u",
      "p",
    ]],
    ["postgres://w@host/x", { PGHOST: "h", PGUSER: "u", PGPORT: "7" }, [
      "host:7",
      "x",
      "w",
      undefined,
    ]],
    ["service=trading", {}, ["db2:5432", "trades", "svc", "from:file"]],
    ["postgres://", { PGSERVICE: "trading", PGUSER: "late" }, [
      "db2:5432",
      "trades",
      "svc",
      "from:file",
    ]],
    ["postgres:///y?service=trading", {}, ["db2:5432", "y", "svc", undefined]],
    ["postgres://", { PGPORT: "6001" }, ["/var/run/postgresql/.s.PGSQL.6001", "me", "me", "local"]],
    ["host=db2", { PGPASSFILE: "/etc/pass" }, ["db2:5432", "me", "me", "elsewhere"]],
    ["host=db2 passfile=/etc/pass", {}, ["db2:5432", "me", "me", "elsewhere"]],
  ];
  for (const [text, env, expected] of forms) {
    assert.deepEqual(brief(readAddress(text, on(env))), expected, `${text} ${JSON.stringify(env)}`);
  }
  assert.match(refusal("service=nowhere", on({})), /no service "nowhere" in .*pg_service\.conf/);
  const open = readAddress(
    "host=db2 dbname=trades",
    machine({ files, open: ["/home/me/.pgpass"] }),
  );
  assert.equal(open.hosts[0]?.password, undefined);
  assert.match(open.remark ?? "", /\.pgpass is left aside: others may read it \(chmod 600/);
});

Deno.test("sslmode and the files beside it mean what they mean to libpq", () => {
  const files = { "/ca": "", "/home/me/.postgresql/root.crt": "" };
  const tls = (text: string, on: Machine = machine({ files: { "/ca": "" } })) =>
    readAddress(text, on).tls;
  assert.deepEqual(tls("host=db"), { mode: "prefer", direct: false, sni: true });
  assert.equal(tls("postgres://db?ssl=true").mode, "require");
  assert.equal(tls("host=db sslsni=0").sni, false);
  assert.deepEqual(tls("host=db sslmode=require", machine({ files })), {
    mode: "require",
    direct: false,
    sni: true,
    rootCert: "/home/me/.postgresql/root.crt",
  });
  assert.equal(tls("host=db sslrootcert=system").mode, "verify-full");
  assert.equal(tls("host=db sslrootcert=/none sslmode=prefer").rootCert, undefined);
  assert.equal(
    tls("host=db sslmode=verify-ca", machine({ env: { DENO_CERT: "/x" } })).rootCert,
    "/x",
  );
  assert.deepEqual(
    tls("host=db", machine({ env: { PGSSLMODE: "verify-full", PGSSLROOTCERT: "/ca" }, files })),
    { mode: "verify-full", direct: false, sni: true, rootCert: "/ca" },
  );
  assert.match(refusal("host=db sslmode=verify-ca"), /set sslrootcert \(or PGSSLROOTCERT\)/);
  assert.match(
    refusal("host=db sslrootcert=/none sslmode=verify-full"),
    /"\/none".*cannot be read/,
  );
  assert.match(refusal("host=db sslrootcert=system sslmode=require"), /allowed: verify-full/);
});

Deno.test("what cannot be taken is refused in one line that names it and no secret", () => {
  const refused: [string, RegExp][] = [
    ["postgres://u:hunter2@db/x?sslmod=require", /no connection parameter "sslmod"/],
    ["host=db password=hunter2 colour=red", /no connection parameter "colour"/],
    ["postgres://u:hunter2@db/x?sslmode=on", /^DATABASE_URL: sslmode is "on"; allowed: disable, /],
    ["postgres://u:hunter2@db/x?ssl=require", /use sslmode/],
    ["postgres://u:hunter2@db/100%", /the database's name stands for itself only as %25/],
    ["postgres://u:hunter2%@db/x", /percent sign in the password/],
    ["postgres://u:hunter2@db/%00", /%00/],
    ["postgres://u:hunter2@db/%ff", /not UTF-8/],
    ["postgres://u:hunter2@db:70000/x", /port is "70000"; allowed: 1 to 65535/],
    ["postgres://u:hunter2@db:x/y", /malformed; allowed: host:port/],
    ["postgres://u:hunter2@a,b/x?port=1,2,3", /3 ports for 2 hosts/],
    ["postgres://db?host=a=b", /"host" is malformed/],
    ["host=a password='hunter2", /malformed from character 7/],
    ["host=a hostaddr=1.2.3.4,1.2.3.5", /1 in host and 2 in hostaddr/],
    ["hostaddr=db", /hostaddr is "db"; allowed: an IP address/],
    ["host=db target_session_attrs=writer", /allowed: any, read-write/],
    ["host=db connect_timeout=soon", /connect_timeout is "soon"; allowed: a whole number/],
    ["host=db channel_binding=require", /channel_binding is "require"/],
    ["host=db sslcrl=/x", /sslcrl is "\/x"; the TLS library does not check/],
    ["host=db require_auth=scram-sha-256", /require_auth is .* the driver uses/],
    ["host=db sslnegotiation=direct", /sslnegotiation=direct with sslmode=prefer/],
  ];
  for (const [text, message] of refused) assert.match(refusal(text), message, text);
  const env = { PGSSLMODE: "secure" };
  assert.match(refusal("host=db", machine({ env })), /PGSSLMODE is "secure"; allowed/);
});

Deno.test("each parameter of the list is read by name and by its variable, or refused by it", () => {
  const values: Record<string, string> = {
    hostaddr: "10.0.0.1",
    port: "6000",
    target_session_attrs: "primary",
    load_balance_hosts: "random",
    sslmode: "require",
    sslnegotiation: "postgres",
    sslcompression: "0",
    sslcertmode: "allow",
    sslsni: "1",
    ssl_min_protocol_version: "TLSv1.2",
    ssl_max_protocol_version: "TLSv1.3",
    channel_binding: "prefer",
    gssencmode: "disable",
    min_protocol_version: "3.0",
    service: "s",
  };
  const files = { "/home/me/.pg_service.conf": "[s]\n", "/s": "[s]\n" };
  for (const { name, variable, taken } of parameters) {
    const value = name === "servicefile" ? "/s" : values[name] ?? "1";
    const text = formatKeywords([[name, value]]);
    const env: Record<string, string> = variable ? { [variable]: value } : {};
    if (taken === "no") {
      assert.match(refusal(text), new RegExp(`^DATABASE_URL: ${name} is `), name);
      if (variable) assert.match(refusal("host=x", machine({ env })), new RegExp(variable));
    } else if (name !== "requiressl") {
      const byName = readAddress(text, machine({ files }));
      assert.ok(byName.hosts.length > 0, name);
      if (variable) assert.deepEqual(readAddress("", machine({ env, files })), byName, name);
    }
  }
});

const anyText = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 })
  .filter((text) => !text.includes("\0"));

Deno.test("any name, password and database comes back whole from a URL and from keywords", () => {
  fc.assert(fc.property(anyText, anyText, anyText, (user, password, dbname) => {
    const escape = (text: string) =>
      [...new TextEncoder().encode(text)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`)
        .join("");
    const url = `postgres://${escape(user)}:${encodeURIComponent(password)}@db/${escape(dbname)}`;
    const words = formatKeywords([
      ["host", "db"],
      ["user", user],
      ["password", password],
      ["dbname", dbname],
    ]);
    for (const text of [url, words]) {
      assert.deepEqual(
        Object.fromEntries(parseConnectionString(text)),
        { host: "db", user, password, dbname },
      );
    }
  }));
});

Deno.test("any text is read or refused with a StartError, and never quoted with its password", () => {
  const piece = fc.constantFrom(
    "postgres://",
    "@",
    ":",
    "/",
    "?",
    "&",
    "=",
    "%",
    "[",
    "]",
    ",",
    "'",
    "\\",
    "host",
    "port",
    "x",
    " ",
    "é",
  );
  fc.assert(fc.property(fc.array(piece, { maxLength: 25 }), (pieces) => {
    try {
      readAddress(pieces.join(""), machine());
    } catch (error) {
      assert.ok(error instanceof StartError, String(error));
    }
  }));
});

Deno.test("the first fitting line of a password file counts, escapes and stars included", () => {
  const wanted = { host: "a:b", port: "5432", database: "x", user: "u" };
  assert.equal(findPassword("a\\:b:5432:x:u:p\\\\q:r\n*:*:*:*:late", wanted), "p\\q:r");
  assert.equal(findPassword("a:b:5432:x:u:no\r\n*:5432:*:u:yes\r\n", wanted), "yes");
  assert.equal(findPassword("*:*:*:other:no\n\n#*:*:*:*:no", wanted), undefined);
});

Deno.test("programs of Postgres get the same address, and no secret among their arguments", () => {
  const { conninfo, env } = forPrograms({
    kind: "url",
    url:
      "postgres://u:hunter2@a:1,b:2/eu%20trades?sslmode=require&sslpassword=hunter2&target_session_attrs=primary",
    env: { HOME: "/nowhere" },
  });
  assert.doesNotMatch(conninfo, /hunter2/);
  assert.deepEqual(env, { PGPASSWORD: "hunter2" });
  const settings = parseConnectionString(conninfo);
  assert.deepEqual(
    ["host", "port", "dbname", "user", "sslmode", "target_session_attrs"].map((name) =>
      settings.get(name)
    ),
    ["a,b", "1,2", "eu trades", "u", "require", "primary"],
  );
});

Deno.test("programs that are to verify a server get the file of roots that Holdfast trusts", () => {
  const rootCert = (url: string, env: Record<string, string> = {}) =>
    parseConnectionString(
      forPrograms({ kind: "url", url, env: { HOME: "/nowhere", ...env } }).conninfo,
    ).get("sslrootcert");
  const system = findSystemRoots()?.path;
  const full = "postgres://u@db/x?sslmode=verify-full";
  const own = { DENO_CERT: "/ca.pem" };
  assert.equal(rootCert(full), system);
  assert.equal(rootCert(full, own), "/ca.pem");
  // Known to programs from 16 on alone.
  assert.equal(rootCert(`${full}&sslrootcert=system`, own), system ?? "system");
  assert.equal(rootCert("postgres://u@db/x?sslrootcert=system"), system ?? "system");
  // A file would make it verify.
  assert.equal(rootCert("postgres://u@db/x?sslmode=require", own), undefined);
  assert.equal(rootCert("postgres://u@db/x", own), undefined);
});

Deno.test("the variables of libpq name the server where DATABASE_URL does not", () => {
  const named = readConfig({ PGHOST: "db", PGUSER: "u" });
  assert.deepEqual([named.DATABASE_URL, named.namedBy], ["postgres://", ["PGHOST"]]);
  const given = readConfig({ PGHOST: "db", DATABASE_URL: "host=other" });
  assert.deepEqual([given.DATABASE_URL, given.namedBy], ["host=other", []]);
  const embedded = readConfig({ PGHOST: "db", DATABASE_URL: "embedded" });
  assert.deepEqual([embedded.DATABASE_URL, embedded.namedBy], [undefined, []]);
  const aside = readConfig({ PGUSER: "u", PGPORT: "1" });
  assert.equal(aside.DATABASE_URL, undefined);
  assert.match(
    describeServerChoice(aside) ?? "",
    /own embedded Postgres; without a host, PGPORT, PGUSER have no effect/,
  );
  assert.equal(describeServerChoice(embedded), undefined);
  assert.equal(describeServerChoice(given), undefined);
  assert.equal(describeServerChoice(readConfig({})), undefined);
});
