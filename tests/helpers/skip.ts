import { existsSync } from "node:fs";

/** Registers a test that needs a tool or data; without it, it is skipped and says so. */
export function testWith(
  needs: { what: string; present: boolean },
  name: string,
  fn: (context: Deno.TestContext) => Promise<void> | void,
): void {
  if (!needs.present) console.error(`SKIPPED for want of ${needs.what}: ${name}`);
  Deno.test({ name, ignore: !needs.present, fn });
}

const root = new URL("../../", import.meta.url);
const shared = new URL(Deno.env.get("HOLDFAST_REAL_DATA") ?? "../shared/data/", root);

/** Real trades, where they stand beside the project. */
export const realData = {
  what: "the real trades",
  present: existsSync(shared),
  path: (day: string) => new URL(`us-equity-trades-${day}.csv.gz`, shared).pathname,
};

const binaries = (version: number) => `/usr/lib/postgresql/${version}/bin`;

/** Debian's own Postgres 15. */
export const debianPostgres = {
  what: "Debian's Postgres 15",
  present: existsSync(`${binaries(15)}/initdb`),
  bin: binaries(15),
};

export const psql = { what: "psql", present: existsSync("/usr/bin/psql") };

export const chromium = { what: "Chromium", present: existsSync("/usr/bin/chromium") };

export const firefox = {
  what: "Firefox (Debian's package firefox-esr)",
  present: existsSync("/usr/bin/firefox-esr"),
};

export const pgbouncer = { what: "PgBouncer", present: existsSync("/usr/sbin/pgbouncer") };

export const promtool = {
  what: "promtool (Debian's package prometheus)",
  present: existsSync("/usr/bin/promtool"),
  bin: "/usr/bin/promtool",
};

export const alertmanager = {
  what: "Alertmanager (Debian's package prometheus-alertmanager)",
  present: existsSync("/usr/bin/prometheus-alertmanager"),
  bin: "/usr/bin/prometheus-alertmanager",
};

const program = (name: string, usual: string) => Deno.env.get(name) ?? usual;

/** The proxies of deploy/proxy; `HOLDFAST_TEST_NGINX` and `HOLDFAST_TEST_CADDY` name programs elsewhere. */
export const nginx = {
  what: "nginx",
  bin: program("HOLDFAST_TEST_NGINX", "/usr/sbin/nginx"),
  present: existsSync(program("HOLDFAST_TEST_NGINX", "/usr/sbin/nginx")),
};

export const caddy = {
  what: "Caddy",
  bin: program("HOLDFAST_TEST_CADDY", "/usr/bin/caddy"),
  present: existsSync(program("HOLDFAST_TEST_CADDY", "/usr/bin/caddy")),
};

export const slowTests = {
  what: "HOLDFAST_SLOW_TESTS=1",
  present: Deno.env.get("HOLDFAST_SLOW_TESTS") === "1",
};
