import type { Config } from "../../../config/config.ts";
import type { View } from "../../monitor/signals/signal.ts";
import type { Snapshot } from "../../monitor/snapshot.ts";
import type { Cure, Evidence } from "../alert.ts";
import type { Proof } from "./proof.ts";
import type { Rule, RuleLevels } from "./rule.ts";

export type Profile = Config["HOLDFAST_PROFILE"];

/** What whoever is on call needs besides the cause and the cure. Code stands in backquotes, as in Markdown. */
export interface Runbook {
  /** What happens, or soon will, if nobody acts. */
  impact: string;
  /** What to read first: `GET` and a path of the API, the path of a page, or a command; and what it shows. */
  look: readonly { read: string; shows: string }[];
  /** What to do, in order; the statements of `cure` follow. */
  steps: readonly string[];
  /** When to call somebody else, and whom; continues the word "Escalate". */
  escalate: string;
}

/** A shipped rule: everything about it, in one object. Its levels are those of production. */
export interface RuleDefinition extends Rule {
  /** Levels of other profiles where they differ. */
  profiles?: Partial<Record<Exclude<Profile, "production">, Partial<RuleLevels>>>;
  /** The facts that support an alert in `scope`; at most a few rows. Called often, so it must be cheap. */
  evidence?(snapshot: Snapshot, scope: string): Evidence[];
  /** The statements with the names of what the alert is about; undefined where these are unknown: `cure` finds them. */
  cureFor?(view: View, scope: string): readonly Cure[] | undefined;
  /** While that rule fires (in the same scope), channels get no notices of this one. */
  inhibitedBy?: { rule: string; sameScope: boolean };
  /** While this rule fires, channels get no notices of any other. */
  inhibitsAll?: true;
  runbook: Runbook;
  proof: Proof;
}

/** What most rules share: good values of 30 s end an alert, and 60 s pass between two alerts. */
export const defaults = {
  keep_firing_seconds: 30,
  cooldown_seconds: 60,
  enabled: true,
  cure: [],
} as const;

export const hour = 3_600;
export const day = 86_400;
export const MiB = 1024 ** 2;
export const GiB = 1024 ** 3;
