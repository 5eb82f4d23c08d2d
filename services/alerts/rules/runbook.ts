import type { Cure } from "../alert.ts";
import { shippedRules } from "./catalog/list.ts";
import type { RuleDefinition, Runbook } from "./definition.ts";
import { buildRules } from "./overrides.ts";
import { type Rule, showValue } from "./rule.ts";

/** One section of the runbook: a rule, or an alert that another program raises about Holdfast. */
export interface RunbookSection extends Runbook {
  /** The name of the rule, and the anchor of the section. */
  id: string;
  title: string;
  /** The metric with its levels; undefined where no rule of Holdfast is meant. */
  levels?: string | undefined;
  /** What inhibits the rule, or what it inhibits, in sentences. */
  inhibition: readonly string[];
  cause: string;
  cure: readonly Cure[];
}

const profiles = ["staging", "development"] as const;

function shown(rule: Rule, level: number | null): string {
  if (level === null) return "none";
  return rule.unit === "flag" ? String(level) : showValue(rule.unit, level);
}

/** The rules of the profiles besides production, as shipped. */
type OtherProfiles = readonly { profile: string; rules: readonly Rule[] }[];

/** Returns in words the levels that other profiles change. */
function differences(rule: Rule, others: OtherProfiles): string[] {
  return others.flatMap(({ profile, rules }) => {
    const other = rules.find(({ name }) => name === rule.name);
    if (!other) return [];
    const changed = [
      ...(["warning", "critical", "clear"] as const).flatMap((level) =>
        other[level] === rule[level] ? [] : [`${level} ${shown(rule, other[level])}`]
      ),
      ...(other.for_seconds === rule.for_seconds ? [] : [`must last ${other.for_seconds} s`]),
    ];
    return changed.length > 0 ? [`${profile}: ${changed.join(", ")}`] : [];
  });
}

function levelsOf(rule: RuleDefinition, others: OtherProfiles): string {
  const side = rule.direction === "above" ? "or more" : "or less";
  const levels = [
    rule.warning === null ? [] : [`warning at ${shown(rule, rule.warning)} ${side}`],
    rule.critical === null ? [] : [`critical at ${shown(rule, rule.critical)} ${side}`],
    [`clear at ${shown(rule, rule.clear)}`],
    rule.for_seconds > 0 ? [`must last ${rule.for_seconds} s`] : [],
    rule.enabled ? [] : ["off by default"],
    rule.local ? ["evaluated by each instance for itself"] : [],
    differences(rule, others),
  ].flat();
  return `Metric \`${rule.metric}\`: ${levels.join("; ")}.`;
}

/** Returns a sentence on what inhibits a rule, or which rules it inhibits; none for most rules. */
function inhibitionOf({ inhibitedBy, inhibitsAll }: RuleDefinition): string[] {
  if (inhibitsAll) {
    return ["While this alert fires, channels get no notifications of other alerts."];
  }
  if (!inhibitedBy) return [];
  const where = inhibitedBy.sameScope ? " in the same scope" : "";
  return [
    `While \`${inhibitedBy.rule}\` fires${where}, channels get no notifications of this alert.`,
  ];
}

/** Alerts that are no rules of Holdfast: those of docs/prometheus-rules.yml about Holdfast, and the sample alert. */
const otherSections: readonly RunbookSection[] = [
  {
    id: "holdfast_down",
    title: "Holdfast does not answer (Prometheus)",
    inhibition: [],
    impact:
      "Nothing is ingested, watched, rotated or backed up by this instance. Postgres is not affected; another instance beside the same database takes over within ten seconds.",
    cause:
      "Possible causes: the process ended, the machine is down, or the network to it is interrupted.",
    look: [
      { read: "systemctl status holdfast", shows: "whether it runs, and its last lines" },
      { read: "journalctl -u holdfast -n 100", shows: "why it ended; a refused start is one line" },
      { read: "deno task doctor", shows: "what would prevent a start" },
    ],
    steps: [
      "If it was refused, do what the line says and start it again.",
      "If it was killed for lack of memory, lower the memory of others, or read docs/operations.md on sizing.",
      "If it runs and does not answer, take the address from its log (`listening`), and try `curl` on the machine itself.",
    ],
    cure: [],
    escalate:
      "if it does not stay up for five minutes. Partitions exist for days ahead, so inserts of others go on.",
  },
  {
    id: "snapshot_stale",
    title: "Holdfast no longer collects (Prometheus)",
    inhibition: [],
    impact:
      "Values and rules are those of a minute ago or more, although the database can be reached. Alerts may be missed.",
    cause:
      "Possible causes: the machine has no processor time, the event loop is blocked, or every monitoring connection waits.",
    look: [
      { read: "GET /api/health", shows: "`age_ms`, and the checks that are unknown" },
      { read: "GET /api/locks", shows: "whether Holdfast's own sessions wait" },
    ],
    steps: [
      "Follow `event_loop_lag` if the machine is busy, `lock_wait` if sessions wait.",
      "Restart Holdfast: it stops within seconds and loses no acknowledged row.",
    ],
    cure: [],
    escalate: "as a defect report, with the log, if it returns.",
  },
  {
    id: "ticks_quarantined",
    title: "Many ticks are quarantined (Prometheus)",
    inhibition: [],
    impact:
      "Rows are kept in the quarantine instead of the table, so charts and queries lack them. No row is lost.",
    cause:
      "Possible causes: a sender changed its format, sends a symbol without an instrument, or a clock is wrong. The label `reason` says which.",
    look: [
      { read: "GET /api/quarantine", shows: "the rows with their reason and their text" },
      { read: "GET /api/health/feeds", shows: "which feeds are concerned" },
    ],
    steps: [
      "Correct the cause: create the instrument, correct the sender, or see `clock_skew`.",
      "Then retry: `POST /api/quarantine/retry`. Rows that are refused again stay.",
    ],
    cure: [],
    escalate: "to the owner of the feed, if the sender must be changed.",
  },
  {
    id: "test",
    title: "A test of a channel",
    inhibition: [],
    impact: "Nothing is wrong. Somebody asked Holdfast to send a sample alert.",
    cause: "`POST /api/alerts/channels/{name}/test` was called.",
    look: [{ read: "GET /api/alerts/deliveries", shows: "the deliveries of all channels" }],
    steps: ["Check that the notification, and the end of it, arrived where they should."],
    cure: [],
    escalate: "not needed.",
  },
];

/** Returns the sections of the runbook: each shipped rule in the order of the catalog, then the others. Pure. */
export function runbookSections(): RunbookSection[] {
  const others = profiles.map((profile) => ({ profile, rules: buildRules(profile, []) }));
  return [
    ...shippedRules.map((rule) => ({
      ...rule.runbook,
      id: rule.name,
      title: rule.title,
      levels: levelsOf(rule, others),
      inhibition: inhibitionOf(rule),
      cause: rule.cause,
      cure: rule.cure,
    })),
    ...otherSections,
  ];
}
