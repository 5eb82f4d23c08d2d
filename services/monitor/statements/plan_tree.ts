/** A node of EXPLAIN (FORMAT JSON), as far as it is read. */
interface ExplainNode {
  "Node Type": string;
  "Parent Relationship"?: string;
  "Subplan Name"?: string;
  "Relation Name"?: string;
  "CTE Name"?: string;
  "Function Name"?: string;
  Alias?: string;
  "Index Name"?: string;
  "Join Type"?: string;
  "Scan Direction"?: string;
  "Parallel Aware"?: boolean;
  "Partial Mode"?: string;
  "Workers Planned"?: number;
  Strategy?: string;
  Command?: string;
  Operation?: string;
  "Startup Cost"?: number;
  "Total Cost"?: number;
  "Plan Rows"?: number;
  "Plan Width"?: number;
  Plans?: ExplainNode[];
  [field: string]: unknown;
}

/** A node of a plan with its share of the cost. Costs are in the planner's unit. */
export interface PlanNode {
  /** As EXPLAIN names it, such as "Parallel Seq Scan" or "Hash Left Join". */
  node: string;
  /** The table, CTE or function that it reads, with its alias. */
  relation: string | null;
  index: string | null;
  /** How its parent uses it. */
  role: "root" | "outer" | "inner" | "member" | "init_plan" | "sub_plan" | "subquery";
  /** The name of a subplan, such as "CTE totals". */
  name: string | null;
  /** Rows that the planner expects of one execution, of one process. */
  rows: number;
  /** Bytes of a row. */
  width: number;
  startup_cost: number;
  total_cost: number;
  /** Share of the cost of the whole plan that this node alone causes, 0 to 1. All shares together are 1. */
  share: number;
  /** The share of the node and all below it. */
  subtree_share: number;
  /** Parallel workers that it starts. */
  workers: number | null;
  /** Whether several processes execute it, so that `rows` are those of one. */
  per_worker: boolean;
  conditions: { what: string; text: string }[];
  /** Nodes below it that are not shown, and their share. */
  left_out: number;
  left_out_share: number;
  children: PlanNode[];
}

/** A plan as a tree, with the number of all its nodes. */
export interface PlanTree {
  total_cost: number;
  nodes: number;
  root: PlanNode;
}

/** Children of an Append that are shown: those with the greatest shares. */
export const membersMax = 12;
/** Nodes that are shown. */
export const nodesMax = 300;
const textMax = 500;

const conditionFields = [
  "Index Cond",
  "Recheck Cond",
  "TID Cond",
  "Hash Cond",
  "Merge Cond",
  "Join Filter",
  "Filter",
  "One-Time Filter",
  "Run Condition",
  "Order By",
  "Sort Key",
  "Presorted Key",
  "Group Key",
  "Cache Key",
  "Conflict Resolution",
  "Conflict Filter",
];

const roles: Record<string, PlanNode["role"]> = {
  Outer: "outer",
  Inner: "inner",
  Member: "member",
  InitPlan: "init_plan",
  SubPlan: "sub_plan",
  Subquery: "subquery",
};

const roleOf = (node: ExplainNode): PlanNode["role"] =>
  roles[node["Parent Relationship"] ?? ""] ?? "outer";

const cut = (text: string) => text.length > textMax ? `${text.slice(0, textMax - 1)}…` : text;

/** Returns the name of a node as EXPLAIN shows it in its text format. */
function nameOf(node: ExplainNode): string {
  const { "Node Type": type, Strategy: strategy = "", "Join Type": join = "Inner" } = node;
  const parallel = node["Parallel Aware"] ? "Parallel " : "";
  const partial = ["Partial", "Finalize"].includes(node["Partial Mode"] ?? "")
    ? `${node["Partial Mode"]} `
    : "";
  const prefix = { Hashed: "Hash", Sorted: "Group", Mixed: "Mixed" }[strategy] ?? "";
  switch (type) {
    case "Aggregate":
      return `${partial}${parallel}${prefix}Aggregate`;
    case "SetOp":
      return `${parallel}${strategy === "Hashed" ? "Hash" : ""}SetOp ${node.Command ?? ""}`.trim();
    case "ModifyTable":
      return node.Operation ?? type;
    case "Nested Loop":
      return `${parallel}${type}${join === "Inner" ? "" : ` ${join} Join`}`;
    case "Hash Join":
    case "Merge Join": {
      const kind = type.split(" ")[0];
      return `${parallel}${kind} ${join === "Inner" ? "" : `${join} `}Join`;
    }
    default:
      return `${parallel}${type}${node["Scan Direction"] === "Backward" ? " Backward" : ""}`;
  }
}

function relationOf(node: ExplainNode): string | null {
  const name = node["Relation Name"] ?? node["CTE Name"] ?? node["Function Name"];
  const { Alias: alias } = node;
  if (name === undefined) return alias ?? null;
  return alias === undefined || alias === name ? name : `${name} ${alias}`;
}

function conditionsOf(node: ExplainNode): PlanNode["conditions"] {
  return conditionFields.flatMap((what) => {
    const value = node[what];
    const text = Array.isArray(value) ? value.join(", ") : value;
    return typeof text === "string" ? [{ what, text: cut(text) }] : [];
  });
}

const totalOf = (node: ExplainNode) => Math.max(0, node["Total Cost"] ?? 0);

/** Nodes whose cost of another execution is far below that of the first. */
const keepsRows = new Set(["Materialize", "Memoize"]);

/** Says whether a subplan is executed once, into a hash table. */
function isHashed(parent: ExplainNode, subplan: ExplainNode): boolean {
  const name = subplan["Subplan Name"] ?? "";
  return name !== "" &&
    conditionsOf(parent).some(({ text }) => text.includes(`hashed ${name}`));
}

/** How often the planner expects the executions of a child within one of its parent. */
function executionsOf(parent: ExplainNode, child: ExplainNode): number {
  const rows = (node: ExplainNode | undefined) => Math.max(1, node?.["Plan Rows"] ?? 1);
  const role = roleOf(child);
  if (role === "sub_plan") return isHashed(parent, child) ? 1 : rows(parent);
  if (role !== "inner") return 1;
  // The planner assumes ten rounds of recursion.
  if (parent["Node Type"] === "Recursive Union") return 10;
  if (parent["Node Type"] !== "Nested Loop" || keepsRows.has(child["Node Type"])) return 1;
  return rows(parent.Plans?.find((one) => roleOf(one) === "outer"));
}

/**
 * Divides the total cost of a node among its children. A child executed once takes its total cost; those executed several
 * times share what is left, up to their cost times their executions. A parent that stops early, such as Limit, costs less
 * than its children: they are scaled down to its cost. The sum is never above the total. Pure.
 */
function costsOfChildren(parent: ExplainNode): number[] {
  const total = totalOf(parent);
  const children = parent.Plans ?? [];
  const demands = children.map((child) => ({
    executions: executionsOf(parent, child),
    cost: totalOf(child),
  }));
  const once = demands.reduce((sum, { cost }) => sum + cost, 0);
  if (once >= total) return demands.map(({ cost }) => once > 0 ? cost / once * total : 0);
  const more = demands.map(({ executions, cost }) => (executions - 1) * cost);
  const wanted = more.reduce((sum, one) => sum + one, 0);
  const factor = wanted > 0 ? Math.min(1, (total - once) / wanted) : 0;
  return demands.map(({ cost }, at) => cost + more[at]! * factor);
}

/** The number of nodes of a tree as it was read. */
const countNodes = (node: ExplainNode): number =>
  1 + (node.Plans ?? []).reduce((sum, child) => sum + countNodes(child), 0);

function treeOf(
  node: ExplainNode,
  { role, subtree, parallel }: { role: PlanNode["role"]; subtree: number; parallel: boolean },
): PlanNode {
  const total = totalOf(node);
  const costs = costsOfChildren(node);
  const workers = node["Workers Planned"] ?? null;
  const children = (node.Plans ?? []).map((child, at) =>
    treeOf(child, {
      role: roleOf(child),
      subtree: total > 0 ? costs[at]! / total * subtree : 0,
      // An InitPlan is executed by the leader alone.
      parallel: (parallel || (workers ?? 0) > 0) && roleOf(child) !== "init_plan",
    })
  );
  const below = children.reduce((sum, child) => sum + child.subtree_share, 0);
  return {
    node: nameOf(node),
    relation: relationOf(node),
    index: node["Index Name"] ?? null,
    role,
    name: node["Subplan Name"] ?? null,
    rows: node["Plan Rows"] ?? 0,
    width: node["Plan Width"] ?? 0,
    startup_cost: node["Startup Cost"] ?? 0,
    total_cost: total,
    share: Math.max(0, subtree - below),
    subtree_share: subtree,
    workers,
    per_worker: parallel,
    conditions: conditionsOf(node),
    left_out: 0,
    left_out_share: 0,
    children,
  };
}

const sizeOf = (node: PlanNode): number =>
  1 + node.left_out + node.children.reduce((sum, child) => sum + sizeOf(child), 0);

/** Leaves out children that `keep` refuses. */
function withoutChildren(node: PlanNode, keep: (child: PlanNode) => boolean): PlanNode {
  const gone = node.children.filter((child) => !keep(child));
  if (gone.length === 0) return node;
  return {
    ...node,
    children: node.children.filter(keep),
    left_out: node.left_out + gone.reduce((sum, child) => sum + sizeOf(child), 0),
    left_out_share: node.left_out_share +
      gone.reduce((sum, child) => sum + child.subtree_share, 0),
  };
}

/** Leaves out the members of an Append beyond the most expensive, such as partitions of a table that has thousands. */
function foldMembers(node: PlanNode): PlanNode {
  const members = node.children.filter(({ role }) => role === "member");
  const shown = new Set(
    members.toSorted((a, b) => b.subtree_share - a.subtree_share).slice(0, membersMax),
  );
  const kept = withoutChildren(node, (child) => child.role !== "member" || shown.has(child));
  return { ...kept, children: kept.children.map(foldMembers) };
}

/** Leaves out nodes beyond the `nodesMax` that are reached first, level by level from the root. */
function foldDeep(root: PlanNode): PlanNode {
  const shown = new Set<PlanNode>();
  for (let level = [root]; level.length > 0; level = level.flatMap(({ children }) => children)) {
    for (const node of level) if (shown.size < nodesMax) shown.add(node);
  }
  const fold = (node: PlanNode): PlanNode => {
    const kept = withoutChildren(node, (child) => shown.has(child));
    return { ...kept, children: kept.children.map(fold) };
  };
  return fold(root);
}

/** Reads the answer of EXPLAIN (FORMAT JSON) as a tree with the shares of its nodes; undefined for anything else. Pure. */
export function readPlanTree(answer: unknown): PlanTree | undefined {
  const plan = (answer as { Plan?: ExplainNode }[] | null)?.[0]?.Plan;
  if (!plan) return undefined;
  const root = treeOf(plan, { role: "root", subtree: 1, parallel: false });
  return {
    total_cost: totalOf(plan),
    nodes: countNodes(plan),
    root: foldDeep(foldMembers(root)),
  };
}
