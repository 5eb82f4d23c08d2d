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
/** Where libpq looks by itself for what an address leaves out. */
const homeFiles = [".pgpass", ".pg_service.conf", ".postgresql"];
const namesPlace =
  /^HOLDFAST_[A-Z0-9_]*(_DIR|_FILE|_CONFIG|_DATABASES)$|^HOLDFAST_(CONFIG|DATABASES)$/;

/** Returns the files and socket directories that a connection string names; one that cannot be read names none. */
function placesOfAddress(address: string | undefined): string[] {
  if (!address) return [];
  try {
    const settings = parseConnectionString(address);
    const sockets = (settings.get("host") ?? "").split(",").map((host) => host.trim());
    return [...fileParameters.map((name) => settings.get(name) ?? ""), ...sockets];
  } catch {
    return []; // the start itself says what is wrong with it
  }
}

/**
 * Returns the places that these settings name outside those that deno.json always allows: directories to keep data in, and
 * files of the server's address. Absolute paths and paths below the working directory both; none with a comma, which
 * Deno's options cannot carry.
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
  // A Unix socket is reached by writing to it.
  const sockets = reach.filter((path) => !/\.[a-z]+$/.test(path));
  const all = (
    paths: string[],
  ) => [...new Set(paths.filter((path) => path !== "" && !path.includes(",")))];
  return {
    read: all([...named.map(value), ...reach, ...home]),
    write: all([...kept, ...sockets]),
  };
}
