import type { z } from "zod";
import { StartError } from "../errors.ts";
import { settings } from "./settings.ts";
import { type DatabaseEntry, readDatabases } from "./databases.ts";
import { connectionVariables, namingVariables } from "./address.ts";

type Settings = typeof settings;
export type SettingName = keyof Settings;

/** Thresholds set from outside, e.g. `HOLDFAST_ALERT_CONNECTION_POOL_WARNING=0.5`; the rules check the names. */
export interface AlertOverride {
  name: string;
  value: string;
}

export type Config =
  & { readonly [K in SettingName]: z.output<Settings[K]["schema"]> }
  & {
    readonly alertOverrides: readonly AlertOverride[];
    /** Completes `DATABASE_URL` as libpq does: its environment variables, and where its files are. */
    readonly libpqVariables: Readonly<Record<string, string>>;
    /** Variables of libpq that name the server, where `DATABASE_URL` does not; empty where it does. */
    readonly namedBy: readonly string[];
    /** The name of the database at `DATABASE_URL`, or of the embedded one. */
    readonly databaseName: string;
    /** The further ones, of the file that `HOLDFAST_DATABASES` names. */
    readonly databases: readonly DatabaseEntry[];
    /** Whether this process looks after further databases; the same for each of them. */
    readonly isOneOfSeveral: boolean;
  };

const alertPrefix = "HOLDFAST_ALERT_";

/** Names in the environment that resemble settings but are none: probably misspelt. */
export function unknownSettings(env: Record<string, string | undefined>): string[] {
  return Object.keys(env).filter((name) =>
    name.startsWith("HOLDFAST_") && !name.startsWith(alertPrefix) && name !== "HOLDFAST_CONFIG" &&
    !(name in settings)
  ).sort();
}
const loopback = /^(127\.\d+\.\d+\.\d+|localhost|::1|\[::1\])$/;

/** Says whether `host` can only be reached from this machine. */
export function isLoopback(host: string): boolean {
  return loopback.test(host);
}

function shown(name: SettingName, value: unknown): string {
  return settings[name].secret ? "(hidden)" : JSON.stringify(value) ?? "unset";
}

/**
 * Reads every setting from `env`, then from the JSON of `HOLDFAST_CONFIG` for those the environment leaves unset.
 * Throws a `StartError` of one line that names the setting, the value and what is allowed.
 */
export function readConfig(
  env: Record<string, string | undefined>,
  readFile: (path: string) => string = () => "{}",
): Config {
  const file = readConfigFile(env.HOLDFAST_CONFIG, readFile);
  const known = new Set<string>(Object.keys(settings));
  for (const name of Object.keys(file)) {
    if (!known.has(name) && !name.startsWith(alertPrefix)) {
      throw new StartError(`${name} in ${env.HOLDFAST_CONFIG} is not a setting of Holdfast`);
    }
  }
  const values: Record<string, unknown> = {};
  for (const name of Object.keys(settings) as SettingName[]) {
    const given = env[name] === "" ? undefined : env[name] ?? file[name];
    let parsed;
    try {
      parsed = settings[name].schema.safeParse(given);
    } catch {
      parsed = { success: false as const };
    }
    if (!parsed.success) {
      throw new StartError(
        `${name} is ${shown(name, given)}; allowed: ${settings[name].allowed}`,
      );
    }
    values[name] = parsed.data;
  }
  const overrides = new Map<string, string>();
  for (const source of [file, env]) {
    for (const [name, value] of Object.entries(source)) {
      if (name.startsWith(alertPrefix) && value !== undefined && value !== "") {
        overrides.set(name, String(value));
      }
    }
  }
  values.alertOverrides = [...overrides].map(([name, value]) => ({ name, value }));
  values.libpqVariables = connectionVariables(env);
  values.namedBy = values.DATABASE_URL === undefined
    ? namingVariables.filter((name) => env[name])
    : [];
  if (values.DATABASE_URL === "embedded") {
    values.DATABASE_URL = undefined;
    values.libpqVariables = {};
  } // Empty, so that all of it comes from the variables.
  else if ((values.namedBy as string[]).length > 0) values.DATABASE_URL = "postgres://";
  const listed = readDatabaseFile(values.HOLDFAST_DATABASES as string | undefined, readFile);
  const given = env.DATABASE_URL || file.DATABASE_URL;
  refuseSecondDefault(listed, given);
  const isNamed = values.DATABASE_URL !== undefined || given === "embedded";
  const config = { ...values, ...chooseDatabases(listed, isNamed) } as Config;
  if (!isLoopback(config.HOST) && !config.HOLDFAST_TOKEN && !config.HOLDFAST_INSECURE) {
    throw new StartError(
      `HOST is "${config.HOST}", which others can reach; allowed: a loopback address, or set HOLDFAST_TOKEN (or HOLDFAST_INSECURE=1 on a closed network)`,
    );
  }
  if (config.HOLDFAST_READ_TOKEN && !config.HOLDFAST_TOKEN) {
    throw new StartError(
      "HOLDFAST_READ_TOKEN is set without HOLDFAST_TOKEN; allowed: both, or neither",
    );
  }
  checkStorage(config);
  return config;
}

const storageNames = [
  "HOLDFAST_S3_URL",
  "HOLDFAST_S3_ACCESS_KEY_ID",
  "HOLDFAST_S3_SECRET_ACCESS_KEY",
] as const;

function checkStorage(config: Config): void {
  const missing = storageNames.filter((name) => config[name] === undefined);
  if (missing.length === storageNames.length) return;
  if (missing.length > 0) {
    throw new StartError(
      `${missing.join(" and ")} not set; allowed: all of ${storageNames.join(", ")}, or none`,
    );
  }
  const { protocol, hostname } = new URL(config.HOLDFAST_S3_URL ?? "");
  if (protocol === "http:" && !isLoopback(hostname) && !config.HOLDFAST_S3_INSECURE) {
    throw new StartError(
      `HOLDFAST_S3_URL leads to ${hostname} by plain http; allowed: https, or http to this machine (or HOLDFAST_S3_INSECURE=1 on a closed network)`,
    );
  }
}

/** Throws a StartError where both the list and `DATABASE_URL` name the database `default`: one would not be managed. */
function refuseSecondDefault(listed: readonly DatabaseEntry[], given: unknown): void {
  const entry = listed.find(({ name }) => name === "default");
  if (!entry || !given || given === entry.url) return;
  throw new StartError(
    `DATABASE_URL is ${
      given === "embedded" ? '"embedded"' : shown("DATABASE_URL", given)
    }, and HOLDFAST_DATABASES lists another database named "default"; allowed: one of them, so leave DATABASE_URL unset or give the listed database another name`,
  );
}

/**
 * Returns the databases by their use. Paths without a name lead to the listed `default`, else to the one that `DATABASE_URL`
 * names, else to the first listed.
 */
function chooseDatabases(
  listed: readonly DatabaseEntry[],
  isNamed: boolean,
):
  & Pick<Config, "databaseName" | "databases" | "isOneOfSeveral">
  & Partial<Pick<Config, "DATABASE_URL">> {
  const first = listed.find(({ name }) => name === "default") ?? (isNamed ? undefined : listed[0]);
  const databases = listed.filter((entry) => entry !== first || entry.discover !== false);
  return {
    ...(first ? { DATABASE_URL: first.url } : {}),
    databaseName: first?.name ?? "default",
    databases,
    isOneOfSeveral: databases.length > 0,
  };
}

function readDatabaseFile(
  path: string | undefined,
  readFile: (path: string) => string,
): readonly DatabaseEntry[] {
  if (path === undefined) return [];
  let text: string;
  try {
    text = readFile(path);
  } catch (cause) {
    throw new StartError(
      `HOLDFAST_DATABASES is ${JSON.stringify(path)}; allowed: a readable JSON file`,
      { cause },
    );
  }
  return readDatabases(path, text);
}

function readConfigFile(
  path: string | undefined,
  readFile: (path: string) => string,
): Record<string, unknown> {
  if (!path) return {};
  try {
    const parsed: unknown = JSON.parse(readFile(path));
    if (parsed && typeof parsed === "object" && !Array.isArray(parsed)) {
      return parsed as Record<string, unknown>;
    }
  } catch (cause) {
    throw new StartError(
      `HOLDFAST_CONFIG is ${JSON.stringify(path)}; allowed: a readable JSON file`,
      {
        cause,
      },
    );
  }
  throw new StartError(
    `HOLDFAST_CONFIG is ${JSON.stringify(path)}; allowed: a file with a JSON object`,
  );
}
