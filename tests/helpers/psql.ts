import type { Target } from "../../db/connection.ts";

export interface PsqlResult {
  ok: boolean;
  output: string;
  errors: string;
}

/** Runs SQL through a real psql, as a person at a terminal would; each `command` is a `-c` of its own. */
export async function psql(target: Target, ...commands: string[]): Promise<PsqlResult> {
  const place = target.kind === "url" ? [target.url] : [
    `host=${target.directory} port=${target.port} user=${target.user} dbname=${target.database}` +
    (target.passwordFile === undefined ? "" : ` passfile=${target.passwordFile}`),
  ];
  const { success, stdout, stderr } = await new Deno.Command("psql", {
    args: [
      "-X",
      "-A",
      "-t",
      ...["-v", "ON_ERROR_STOP=1"],
      ...place,
      ...commands.flatMap((command) => ["-c", command]),
    ],
  }).output();
  const decoder = new TextDecoder();
  return { ok: success, output: decoder.decode(stdout).trim(), errors: decoder.decode(stderr) };
}
