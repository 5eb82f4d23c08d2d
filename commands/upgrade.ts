import { HoldfastError } from "../errors.ts";
import { findOldPrograms } from "../services/upgrade/programs.ts";
import {
  discardKept,
  rehearseUpgrade,
  runUpgrade,
  type UpgradeOptions,
} from "../services/upgrade/service.ts";
import { removeUnfinished } from "../services/upgrade/servers.ts";
import { type Survey, surveyUpgrade } from "../services/upgrade/survey.ts";
import { switchClusters } from "../services/upgrade/switch.ts";
import { readArguments, UsageError } from "./common/arguments.ts";
import { type CommandContext, lockDataDir } from "./serve.ts";

const help = `Moves the embedded cluster in HOLDFAST_DATA_DIR to the Postgres of this Holdfast.

  deno task upgrade [--dry-run] [--old-bin DIR] [--pg-dump FILE] [--restart]
  deno task upgrade --discard-old [--dry-run]

  --dry-run       says what would be moved and what is missing; changes nothing
  --old-bin DIR   the programs of the old Postgres (default: /usr/lib/postgresql/N/bin)
  --pg-dump FILE  a pg_dump of that version or a later one (default: Debian's, or the one on PATH)
  --restart       forgets what an interrupted upgrade has moved, and begins again
  --discard-old   removes the old cluster that an upgrade has kept
  -h, --help      this text

It dumps the schema, copies all rows to a new cluster, compares every table by count and SHA-256, and then switches. The old
cluster is kept as postgres-N. Stop Holdfast first. Run it again after an interruption to continue. See
docs/rollback-and-upgrade.md`;

interface Flags {
  dryRun: boolean;
  bin: string | undefined;
  pgDump: string | undefined;
  restart: boolean;
  discard: boolean;
}

/** Reads the arguments; undefined for --help. Throws a UsageError that names what is wrong. */
function readFlags(args: string[]): Flags | undefined {
  const { values, positionals } = readArguments("upgrade", args, {
    "dry-run": { type: "boolean" },
    "old-bin": { type: "string" },
    "pg-dump": { type: "string" },
    "restart": { type: "boolean" },
    "discard-old": { type: "boolean" },
  });
  if (values.help) return undefined;
  if (positionals.length > 0) {
    throw new UsageError(`upgrade takes no ${positionals[0]}; see deno task upgrade --help`);
  }
  return {
    dryRun: values["dry-run"] === true,
    bin: values["old-bin"],
    pgDump: values["pg-dump"],
    restart: values.restart === true,
    discard: values["discard-old"] === true,
  };
}

const say = (line: string) => console.log(line);

async function discard(survey: Survey, { dryRun }: Flags): Promise<void> {
  if (survey.state !== "current") {
    throw new HoldfastError(
      "conflict",
      `${survey.old.cluster} is not of Postgres ${survey.to}: nothing is removed before an upgrade is complete`,
    );
  }
  if (survey.keptBefore.length === 0) say(`${survey.home} holds no old cluster`);
  if (!dryRun) return await discardKept(survey, say);
  for (const path of survey.keptBefore) say(`would remove ${path}`);
}

/** Refuses or finishes what needs no servers. Returns whether there is a cluster to move. */
async function isToMove(survey: Survey, { dryRun }: Flags): Promise<boolean> {
  const { state, old, from, to } = survey;
  if (state === "older") return true;
  if (state === "none") {
    throw new HoldfastError("not_found", `There is no cluster in ${survey.home}`);
  }
  if (state === "newer") {
    throw new HoldfastError(
      "conflict",
      `${old.cluster} is of Postgres ${from}, this Holdfast brings ${to}; use the Holdfast that made it`,
    );
  }
  if (state === "current") say(`${old.cluster} is of Postgres ${to} already: nothing to do`);
  else if (dryRun) say("would finish the switch of an interrupted upgrade");
  else {
    await switchClusters(survey);
    done(survey);
  }
  return false;
}

function done({ kept, old, to }: Survey): void {
  say(`${old.cluster} is of Postgres ${to} now; start Holdfast and take a backup`);
  say(`the old cluster is kept as ${kept}; deno task upgrade --discard-old removes it`);
}

async function upgradeLocked(context: CommandContext, flags: Flags): Promise<void> {
  const survey = surveyUpgrade(context.config.HOLDFAST_DATA_DIR);
  if (flags.discard) return await discard(survey, flags);
  if (!await isToMove(survey, flags)) return;
  const stopped = new AbortController();
  context.runtime.onStopSignal(() =>
    stopped.abort(
      new HoldfastError("conflict", "The upgrade was stopped; run it again to continue"),
    )
  );
  const { from, to, as } = survey;
  const programs = await findOldPrograms({
    major: from,
    as,
    bin: flags.bin,
    pgDump: flags.pgDump,
  });
  const { log } = context;
  const options: UpgradeOptions = { survey, programs, signal: stopped.signal, log, say };
  say(`Postgres ${from} to ${to}, with ${programs.pgCtl} and ${programs.pgDump}`);
  if (flags.dryRun) {
    await rehearseUpgrade(options);
    return say("Nothing was changed: this was a dry run");
  }
  if (flags.restart) await removeUnfinished(survey);
  await runUpgrade(options);
  done(survey);
}

/** Runs `deno task upgrade`: moves the embedded cluster of an older Postgres to the current one. */
export async function upgradeCluster(context: CommandContext, args: string[]): Promise<number> {
  const flags = readFlags(args);
  if (!flags) {
    console.log(help);
    return 0;
  }
  if (context.config.DATABASE_URL) {
    throw new UsageError(
      "upgrade moves the embedded Postgres, and DATABASE_URL names another server; upgrade that one with its own tools",
    );
  }
  const lock = await lockDataDir(context);
  try {
    await upgradeLocked(context, flags);
    return 0;
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    console.error(`Not upgraded: ${error.message}`);
    return 1;
  } finally {
    await lock?.release();
  }
}
