import { z } from "zod";
import { StartError } from "../errors.ts";
import { isConnectionString } from "./address.ts";

/** Databases that one Holdfast looks after at most, those it finds by itself included. */
export const databasesMax = 500;

const Name = z.string().regex(
  /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/,
  "is 1 to 63 letters, digits, dots, underscores and hyphens, the first a letter or digit",
);

const Entry = z.strictObject({
  name: Name,
  url: z.string().refine(
    isConnectionString,
    "is a URL such as postgres://user@host:5432/database, or keywords such as host=db dbname=trading",
  ).refine(
    (url) => url !== "embedded",
    "is the address of a server; set DATABASE_URL=embedded for the embedded one, and do not list it",
  ),
  discover: z.union([z.boolean(), z.strictObject({ exclude: z.array(z.string()).max(1_000) })])
    .default(false),
});

const File = z.strictObject({ databases: z.array(Entry).min(1).max(databasesMax) });

/** One database to look after, or with `discover` every database of its server. */
export type DatabaseEntry = z.output<typeof Entry>;

/**
 * Parses the text of the file that `HOLDFAST_DATABASES` names. Throws a StartError of one line that says what is wrong with
 * which entry; it never quotes a URL, which may hold a password.
 */
export function readDatabases(path: string, text: string): readonly DatabaseEntry[] {
  const refuse = (what: string): never => {
    throw new StartError(
      `HOLDFAST_DATABASES is ${JSON.stringify(path)}: ${what}; allowed: a JSON file such as ` +
        `{"databases": [{"name": "trading", "url": "postgres://…"}]}`,
    );
  };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return refuse("it is not JSON");
  }
  const parsed = File.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const at = issue?.path.join(".") || "the file";
    return refuse(
      issue?.code === "unrecognized_keys"
        ? `${at} has an unknown field ${JSON.stringify(issue.keys[0])}`
        : `${at}: ${issue?.message}`,
    );
  }
  const seen = new Set<string>();
  for (const { name } of parsed.data.databases) {
    if (seen.has(name)) return refuse(`two entries are named ${JSON.stringify(name)}`);
    seen.add(name);
  }
  return parsed.data.databases;
}

/** Returns the connection string with another database of the same server in it. */
export function withDatabase(url: string, database: string): string {
  const parts = /^(postgres(?:ql)?:\/\/[^/?#]*)(?:\/[^?#]*)?([?#].*)?$/s.exec(url);
  if (parts) return `${parts[1]}/${encodeURIComponent(database)}${parts[2] ?? ""}`;
  return `${url} dbname='${database.replaceAll(/['\\]/g, "\\$&")}'`;
}
