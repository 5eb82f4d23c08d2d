import { parseConnectionString } from "../../db/address/grammar.ts";

type Variables = Readonly<Record<string, string | undefined>>;

const fileParameters = ["sslrootcert", "sslcert", "sslkey", "passfile", "servicefile"];
const fileVariables = [
  "PGPASSFILE",
  "PGSERVICEFILE",
  "PGSYSCONFDIR",
  "PGSSLROOTCERT",
  "PGSSLCERT",
  "PGSSLKEY",
  "DENO_CERT",
  "TMPDIR",
];
/** Files in the home directory that libpq reads by default. */
const homeFiles = [".pgpass", ".pg_service.conf", ".postgresql"];
const namesPlace =
  /^HOLDFAST_[A-Z0-9_]*(_DIR|_FILE|_CONFIG|_DATABASES)$|^HOLDFAST_(CONFIG|DATABASES)$/;

/** Returns the files and socket directories that a connection string names; none for an invalid one. */
function placesOfAddress(address: string | undefined): string[] {
  if (!address) return [];
  try {
    const settings = parseConnectionString(address);
    const sockets = (settings.get("host") ?? "").split(",").map((host) => host.trim());
    return [...fileParameters.map((name) => settings.get(name) ?? ""), ...sockets];
  } catch {
    return []; // the start reports the fault
  }
}

/**
 * Returns the paths that these settings name beyond those that deno.json always allows: data directories, and files of the
 * server's address. Includes absolute and relative paths, but none with a comma, which Deno's options cannot express.
 */
export function placesOf(
  env: Variables,
  file: Readonly<Record<string, unknown>>,
): { read: string[]; write: string[] } {
  const value = (name: string) => env[name] || (typeof file[name] === "string" ? file[name] : "");
  const named = [...new Set([...Object.keys(env), ...Object.keys(file)])]
    .filter((name) => namesPlace.test(name)).sort();
  const address = value("DATABASE_URL");
  const isPath = (path: string) => path.startsWith("/") || path.startsWith(".");
  const reach = [
    ...placesOfAddress(address),
    ...fileVariables.map((name) => env[name] ?? ""),
    ...(env.PGHOST ?? "").split(","),
  ].filter(isPath);
  const home = env.HOME && (address || env.PGHOST || env.PGSERVICE)
    ? homeFiles.map((name) => `${env.HOME}/${name}`)
    : [];
  const kept = named.filter((name) => name.endsWith("_DIR")).map(value);
  // Connecting to a Unix socket needs write permission.
  const sockets = reach.filter((path) => !/\.[a-z]+$/.test(path));
  const all = (
    paths: string[],
  ) => [...new Set(paths.filter((path) => path !== "" && !path.includes(",")))];
  return {
    read: all([...named.map(value), ...reach, ...home]),
    write: all([...kept, ...sockets]),
  };
}
