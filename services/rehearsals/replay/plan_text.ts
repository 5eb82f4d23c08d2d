/** The fields of a plan's node that are shown. */
interface PlanNode {
  "Node Type": string;
  "Relation Name"?: string;
  "Index Name"?: string;
  "Join Type"?: string;
  Strategy?: string;
  "Actual Rows"?: number;
  "Actual Loops"?: number;
  "Plan Rows"?: number;
  "Total Cost"?: number;
  "Shared Hit Blocks"?: number;
  "Shared Read Blocks"?: number;
  "Temp Read Blocks"?: number;
  "Temp Written Blocks"?: number;
  "Sort Method"?: string;
  "Subplans Removed"?: number;
  Schema?: string;
  Plans?: PlanNode[];
}

/** A plan for display and comparison. */
export interface ReadPlan {
  /** One indented line per node. */
  text: string;
  /** The text without figures: plans with equal shapes are equal. */
  shape: string;
  /** Names of the tables and indexes in it. */
  relations: string[];
  /** Pages read, cached or not; null when it was not executed. */
  buffers: number | null;
  /** Pages of temporary files that were read and written; null when it was not executed. */
  tempPages: number | null;
  /** All that the plan says of how it was executed, except for estimates, times, rows and cached pages. */
  execution: string;
}

/** Fields that differ between two equal executions, or that only estimate. */
const incidental =
  /(Cost|Time|Rows|Loops|Width|Memory|Estimate|Space Used|(Shared|Local) .* Blocks|^WAL)/;

/** Returns a plan as text without incidental fields. */
const executionOf = (root: PlanNode): string =>
  JSON.stringify(root, (key, value) => incidental.test(key) ? undefined : value);

const linesMax = 30;

function label(node: PlanNode): string {
  const strategy = node.Strategy && node.Strategy !== "Plain" ? `${node.Strategy} ` : "";
  const join = node["Join Type"] && node["Join Type"] !== "Inner" ? ` (${node["Join Type"]})` : "";
  const index = node["Index Name"] ? ` using ${node["Index Name"]}` : "";
  const relation = node["Relation Name"] ? ` on ${node["Relation Name"]}` : "";
  return `${strategy}${node["Node Type"]}${join}${index}${relation}`;
}

function figures(node: PlanNode): string {
  const rows = node["Actual Rows"] === undefined
    ? `${node["Plan Rows"] ?? 0} rows expected`
    : `${Math.round(node["Actual Rows"] * (node["Actual Loops"] ?? 1))} rows`;
  const buffers = buffersOf(node);
  return [
    rows,
    ...buffers === null ? [] : [`${buffers} buffers`],
    ...node["Sort Method"] ? [node["Sort Method"]] : [],
    ...tempPagesOf(node) ? [`${tempPagesOf(node)} temporary pages`] : [],
  ].join(", ");
}

function buffersOf(node: PlanNode): number | null {
  const { "Shared Hit Blocks": hit, "Shared Read Blocks": read } = node;
  return hit === undefined && read === undefined ? null : (hit ?? 0) + (read ?? 0);
}

function tempPagesOf(node: PlanNode): number | null {
  const { "Temp Read Blocks": read, "Temp Written Blocks": written } = node;
  return read === undefined && written === undefined ? null : (read ?? 0) + (written ?? 0);
}

/** Parses the answer of EXPLAIN (FORMAT JSON); undefined for anything else. Pure. */
export function readPlan(answer: unknown): ReadPlan | undefined {
  const root = (answer as { Plan?: PlanNode }[] | null)?.[0]?.Plan;
  if (!root) return undefined;
  const lines: string[] = [];
  const shape: string[] = [];
  const relations = new Set<string>();
  const walk = (node: PlanNode, depth: number): void => {
    const indent = "  ".repeat(depth);
    lines.push(`${indent}${label(node)} (${figures(node)})`);
    shape.push(`${indent}${label(node)}`);
    for (const name of [node["Relation Name"], node["Index Name"]]) {
      if (name) relations.add(name);
    }
    for (const child of node.Plans ?? []) walk(child, depth + 1);
  };
  walk(root, 0);
  const more = lines.length - linesMax;
  return {
    text: [...lines.slice(0, linesMax), ...more > 0 ? [`… ${more} nodes more`] : []].join("\n"),
    shape: shape.join("\n"),
    relations: [...relations],
    buffers: buffersOf(root),
    tempPages: tempPagesOf(root),
    execution: executionOf(root),
  };
}

/**
 * Returns the nodes of a plan in a form that is equal for equal plans of two backups: each line once and without digits, as
 * partitions come and go. Null for no plan. Pure.
 */
export function comparableShape(answer: unknown): string | null {
  const plan = readPlan(answer);
  if (!plan) return null;
  return [...new Set(plan.shape.replaceAll(/\d+/g, "#").split("\n"))].join("\n");
}

/** Returns the planner's estimate of what a plan costs, in its units; null for no plan. Pure. */
export const estimatedCost = (answer: unknown): number | null =>
  (answer as { Plan?: PlanNode }[] | null)?.[0]?.Plan?.["Total Cost"] ?? null;

const differencesMax = 12;

/** Describes the differences of two plans: nodes that are gone and nodes that are new, and pages. Pure. */
export function describeDifference(before: ReadPlan, after: ReadPlan): string[] {
  const count = (shape: string) => {
    const counts = new Map<string, number>();
    for (const line of shape.split("\n")) {
      counts.set(line.trim(), (counts.get(line.trim()) ?? 0) + 1);
    }
    return counts;
  };
  const [old, fresh] = [count(before.shape), count(after.shape)];
  const found: string[] = [];
  for (const name of new Set([...old.keys(), ...fresh.keys()])) {
    const change = (fresh.get(name) ?? 0) - (old.get(name) ?? 0);
    const times = Math.abs(change) > 1 ? ` (${Math.abs(change)} times)` : "";
    if (change < 0) found.push(`gone: ${name}${times}`);
    if (change > 0) found.push(`new: ${name}${times}`);
  }
  if (found.length === 0 && before.shape !== after.shape) {
    found.push("the same nodes in another order");
  }
  const shown = found.sort().slice(0, differencesMax);
  if (found.length > shown.length) shown.push(`… ${found.length - shown.length} more`);
  const compare = (what: string, old: number | null, fresh: number | null) => {
    if (old === null || fresh === null || old === fresh) return;
    shown.push(`${what}: ${old} before, ${fresh} after`);
  };
  compare("buffers", before.buffers, after.buffers);
  compare("temporary pages", before.tempPages, after.tempPages);
  return shown;
}
