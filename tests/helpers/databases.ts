import { withDatabase } from "../../config/databases.ts";

/** Writes the HOLDFAST_DATABASES file of a server: two of its databases, one that is unreachable, and `more`. Returns its path. */
export async function writeDatabases(
  folder: string,
  url: string,
  more: readonly object[] = [],
): Promise<string> {
  const path = `${folder}/databases.json`;
  const databases = [
    { name: "first", url },
    { name: "second", url: withDatabase(url, "second") },
    { name: "gone", url: "postgres://nobody:x@127.0.0.1:1/nowhere" },
    ...more,
  ];
  await Deno.writeTextFile(path, JSON.stringify({ databases }));
  return path;
}
