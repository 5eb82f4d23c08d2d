import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { AnswerOf, Client, InputOf } from "../client/client.ts";
import { HoldfastProblem } from "../client/problem.ts";
import { readArguments, UsageError } from "./common/arguments.ts";
import { connect } from "./common/client.ts";
import { messageOf } from "../errors.ts";
import type { CommandContext } from "./serve.ts";

type Rehearsal = AnswerOf<"getRehearsal">;
type Start = InputOf<"startRehearsal">["body"];

const help =
  `deno task rehearse change.sql          applies a change to a copy and reports its effect
deno task rehearse --set work_mem=64MB  changes a setting instead; can be repeated
deno task rehearse --advice ID          applies a recommendation of /api/health/database
deno task rehearse --to-bin DIR         upgrades to the newer Postgres in DIR (its pg_ctl, initdb and postgres), or to
                                        the one that Holdfast brings: --to-bin embedded

  --workload FILE     JSON: [{"sql": "...", "params": [...]}, ...]; by default the top of pg_stat_statements
  --profile quick|full
  --backup ID         the backup to restore; the newest by default
  --format markdown|html|json
  --fail-on harmful|regression   exit 1 when the verdict is harmful, or when a statement became slower

Uses the Holdfast that runs on HOST:PORT; when none answers, it starts one for the command. It reads the production
database and never changes it.`;

const profiles = ["quick", "full"];
const formats = ["markdown", "html", "json"] as const;
const failures = ["harmful", "regression"];

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(`Cannot read ${path}: ${messageOf(error)}`);
  }
}

function readWorkload(path: string | undefined): Start["workload"] {
  if (path === undefined) return undefined;
  try {
    return JSON.parse(read(path));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`Cannot read ${path} as JSON: ${messageOf(error)}`);
  }
}

function readSettings(pairs: readonly string[] | undefined): Record<string, string> | undefined {
  if (!pairs || pairs.length === 0) return undefined;
  return Object.fromEntries(pairs.map((pair) => {
    const at = pair.indexOf("=");
    if (at < 1) throw new UsageError(`--set takes name=value, not ${pair}`);
    return [pair.slice(0, at), pair.slice(at + 1)];
  }));
}

/** Returns a directory as an absolute path: the Holdfast that runs has another working directory. */
const readBin = (given: string | undefined) =>
  given === undefined || given === "embedded" ? given : resolve(given);

/** Waits until a rehearsal has ended, and prints its progress. */
async function follow(client: Client, id: string): Promise<Rehearsal> {
  let last = "";
  for (;;) {
    const rehearsal = await client.getRehearsal({ path: { id } });
    if (rehearsal.finished_at !== null) return rehearsal;
    const now = [rehearsal.status, rehearsal.step].filter(Boolean).join(": ");
    if (now !== last) console.error(now);
    last = now;
    await wait(300);
  }
}

/** Returns the exit code: 1 for a rehearsal that did not complete, and for the verdicts of `failOn`. Pure. */
export function exitCodeOf(
  { status, verdict, statements }: Pick<Rehearsal, "status" | "verdict"> & {
    statements: readonly Pick<Rehearsal["statements"][number], "verdict">[];
  },
  failOn: string | undefined,
): number {
  if (status !== "done") return 1;
  if (failOn === undefined) return 0;
  const slower = statements.some((one) => one.verdict === "worse");
  return verdict === "harmful" || failOn === "regression" && slower ? 1 : 0;
}

/** Runs `deno task rehearse`: applies a change to a copy and prints the report. */
export async function rehearse(context: CommandContext, args: string[]): Promise<number> {
  const { values, positionals } = readArguments("rehearse", args, {
    set: { type: "string", multiple: true },
    advice: { type: "string" },
    "to-bin": { type: "string" },
    workload: { type: "string" },
    profile: { type: "string" },
    backup: { type: "string" },
    format: { type: "string" },
    "fail-on": { type: "string" },
  });
  if (values.help) {
    console.log(help);
    return 0;
  }
  const failOn = values["fail-on"];
  if (failOn !== undefined && !failures.includes(failOn)) {
    throw new UsageError(`--fail-on takes ${failures.join(" or ")}, not ${failOn}`);
  }
  const { format = "markdown", profile = "quick" } = values;
  if (!profiles.includes(profile)) {
    throw new UsageError(`--profile takes ${profiles.join(" or ")}, not ${profile}`);
  }
  const shownAs = formats.find((one) => one === format);
  if (!shownAs) throw new UsageError(`--format takes ${formats.join(", ")}, not ${format}`);
  if (positionals.length > 1) throw new UsageError("Give one file; it may hold several statements");
  const body: Start = {
    sql: positionals[0] === undefined ? undefined : read(positionals[0]),
    settings: readSettings(values.set),
    recommendation: values.advice,
    to_bin: readBin(values["to-bin"]),
    workload: readWorkload(values.workload),
    profile: profile as Start["profile"],
    backup: values.backup,
  };
  const { sql, settings, recommendation, to_bin } = body;
  if ([sql, settings, recommendation, to_bin].every((one) => one === undefined)) {
    throw new UsageError("Name a file with the change, --set, --advice or --to-bin; see --help");
  }
  const { client, close } = await connect(context, { create: false });
  try {
    const { id } = await client.startRehearsal({ body });
    const rehearsal = await follow(client, id);
    console.log(
      shownAs === "json"
        ? JSON.stringify(rehearsal, null, 2)
        : await client.getRehearsalReport({ path: { id }, query: { format: shownAs } }),
    );
    return exitCodeOf(rehearsal, failOn);
  } catch (error) {
    if (!(error instanceof HoldfastProblem)) throw error;
    console.error(error.message);
    return 1;
  } finally {
    await close();
  }
}
