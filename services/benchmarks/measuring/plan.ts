import { createHash } from "node:crypto";

/** The facts of a plan that explain the speed of a query. */
export interface PlanFacts {
  plan: string;
  plan_hash: string;
  relations_scanned: number;
  buffers: number;
  buffers_read: number;
  pruned: number;
}

interface PlanNode {
  "Node Type": string;
  "Relation Name"?: string;
  "Index Name"?: string;
  "Subplans Removed"?: number;
  "Shared Hit Blocks"?: number;
  "Shared Read Blocks"?: number;
  Plans?: PlanNode[];
}

const shownNodes = 6;

/** Reads the result of EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON). Pure. */
export function readPlan(answer: unknown): PlanFacts | undefined {
  const root = (answer as { Plan?: PlanNode }[] | undefined)?.[0]?.Plan;
  if (!root) return undefined;
  const nodes: string[] = [];
  const relations = new Set<string>();
  let pruned = 0;
  const walk = (node: PlanNode): void => {
    nodes.push(node["Node Type"]);
    if (node["Relation Name"]) relations.add(node["Relation Name"]);
    pruned += node["Subplans Removed"] ?? 0;
    for (const child of node.Plans ?? []) walk(child);
  };
  walk(root);
  // The same node on several partitions counts once.
  const shape = nodes.filter((name, at) => name !== nodes[at - 1]);
  return {
    plan: shape.slice(0, shownNodes).join(" → ") + (shape.length > shownNodes ? " …" : ""),
    plan_hash: createHash("sha256").update(shape.join()).digest("hex").slice(0, 12),
    relations_scanned: relations.size,
    buffers: (root["Shared Hit Blocks"] ?? 0) + (root["Shared Read Blocks"] ?? 0),
    buffers_read: root["Shared Read Blocks"] ?? 0,
    pruned,
  };
}
