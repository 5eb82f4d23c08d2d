import { bytesText } from "../lib/text/format.ts";
import { setTimeout as wait } from "node:timers/promises";
import type { AnswerOf, Client } from "../client/client.ts";
import { HoldfastProblem } from "../client/problem.ts";
import { readArguments, refusePositionals } from "./common/arguments.ts";
import { connect } from "./common/client.ts";
import type { CommandContext } from "./serve.ts";

const help = `deno task backup [--no-drill]     takes a backup, then verifies it by a trial restore
deno task backup --list           lists backups
deno task backup --verify ID      verifies one by a trial restore

Uses the Holdfast that runs on HOST:PORT; when none answers, it starts one for the command. Backups are written to
HOLDFAST_BACKUP_DIR and copied to HOLDFAST_S3_URL if that is set; --verify then reads the copy too.`;

type Backup = AnswerOf<"getBackup">;

function line(backup: Backup): string {
  const state = backup.proven_at
    ? `proven ${backup.proven_at}, recovered in ${backup.recovery_seconds?.toFixed(1)} s`
    : backup.status === "complete"
    ? "not proven"
    : backup.status;
  const { copy } = backup;
  const copied = copy.state === "none"
    ? ""
    : `, copy ${copy.state}${copy.problem ? ` (${copy.problem})` : ""}`;
  return `${backup.id}  ${backup.kind}  ${bytesText(backup.bytes)}  ${state}${copied}${
    backup.problems.length > 0 ? `: ${backup.problems.join("; ")}` : ""
  }`;
}

/** Waits until the work on a backup has ended, and prints its progress. */
async function follow(client: Client, id: string): Promise<Backup> {
  let last = "";
  for (;;) {
    const backup = await client.getBackup({ path: { id } });
    if (!backup.progress) return backup;
    const { step, done_bytes } = backup.progress;
    const now = done_bytes > 0 ? `${step}: ${bytesText(done_bytes)}` : step;
    if (now !== last) console.error(now);
    last = now;
    await wait(500);
  }
}

/** Waits until the copy is complete or has failed. */
async function followCopy(client: Client, id: string): Promise<Backup> {
  let last = "";
  for (;;) {
    const backup = await client.getBackup({ path: { id } });
    const { state, done_bytes, total_bytes } = backup.copy;
    if (state !== "pending" && state !== "copying") return backup;
    const now = `copying: ${bytesText(done_bytes ?? 0)} of ${
      bytesText(total_bytes ?? backup.bytes)
    }`;
    if (now !== last && state === "copying") console.error(now);
    last = now;
    await wait(500);
  }
}

async function drill(client: Client, id: string): Promise<Backup> {
  await client.verifyBackup({ path: { id } });
  return await follow(client, id);
}

/** Runs `deno task backup`: takes a backup and verifies it. */
export async function backup(context: CommandContext, args: string[]): Promise<number> {
  const { values, positionals } = readArguments("backup", args, {
    "no-drill": { type: "boolean" },
    list: { type: "boolean" },
    verify: { type: "string" },
  });
  if (values.help) {
    console.log(help);
    return 0;
  }
  refusePositionals("backup", positionals);
  const { client, close } = await connect(context, {
    create: false,
    reads: values.list === true,
  });
  // Otherwise the Holdfast in this process would leave the embedded server running.
  context.runtime.onStopSignal(() => void close().finally(() => context.runtime.exit(130)));
  try {
    if (values.list) {
      const { backups } = await client.listBackups({ query: { limit: 1_000 } });
      console.log(backups.map(line).join("\n") || "There are no backups");
      return 0;
    }
    let id = values.verify;
    if (id === undefined) {
      const begun = await client.startBackup();
      id = begun.id;
      if (begun.kind === "logical") {
        console.error(
          'A logical backup, not a base backup: the role or the server does not allow replication (POST /api/backups {"kind": "base"} says which)',
        );
      }
      const taken = await follow(client, id);
      console.log(line(taken));
      if (taken.status !== "complete") return 1;
      if (values["no-drill"]) {
        const { copy } = await followCopy(client, id);
        if (copy.state !== "none") console.log(`copy ${copy.state}: ${copy.problem ?? copy.at}`);
        return copy.state === "failed" ? 1 : 0;
      }
    }
    const checked = await drill(client, id);
    const copied = values.verify === undefined ? await followCopy(client, id) : checked;
    console.log(line(copied));
    for (const note of checked.notes) console.log(`  ${note}`);
    return checked.problems.length > 0 || copied.copy.state === "failed" ? 1 : 0;
  } catch (error) {
    if (!(error instanceof HoldfastProblem)) throw error;
    console.error(error.message);
    return 1;
  } finally {
    await close();
  }
}
