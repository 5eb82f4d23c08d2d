/** The fields of an executed plan's node that tell which rows it read, and why. */
interface PlanNode {
  "Node Type": string;
  "Relation Name"?: string;
  Schema?: string;
  Alias?: string;
  Filter?: string;
  "Index Cond"?: string;
  "Recheck Cond"?: string;
  "Hash Cond"?: string;
  "Merge Cond"?: string;
  "Join Filter"?: string;
  "Sort Key"?: string[];
  "Actual Rows"?: number;
  "Actual Loops"?: number;
  "Rows Removed by Filter"?: number;
  Plans?: PlanNode[];
}

/** A scan that reads many more rows than are needed, and the columns by which an index could find those. */
export interface WastefulScan {
  schema: string;
  relation: string;
  /** Columns of an index: those compared with "=", then those of the order, or one that is compared with a range. */
  columns: string[];
  /** Rows that it reads, and those of them that are needed. */
  read: number;
  needed: number;
}

/** Scans of fewer rows are fast without an index. */
const readMin = 1_000;
/** At most this share of the rows may be needed. */
const neededMax = 0.1;
const columnsMax = 4;

const name = String.raw`(?:"(?:[^"]|"")+"|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)`;
/** Matches `(alias.column)::type` and a comparison. */
const compared = new RegExp(
  String.raw`(${name})\.(${name})\)?(?:::[\w ]+?)?\)? (=|>=|<=|>|<) `,
  "g",
);
const joined = new RegExp(String.raw`(${name})\.(${name}) = (${name})\.(${name})`, "g");
const sorted = new RegExp(String.raw`^(${name})\.(${name})( DESC)?$`);

const plain = (text: string) =>
  text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text;

const rowsOf = (node: PlanNode) => (node["Actual Rows"] ?? 0) * (node["Actual Loops"] ?? 1);

/** Returns the columns of `alias` that conditions compare with "=" and with a range; none for conditions with OR. */
function comparisonsOf(alias: string, node: PlanNode): { equal: string[]; range: string[] } {
  const found = { equal: new Set<string>(), range: new Set<string>() };
  for (const text of [node["Index Cond"], node["Recheck Cond"], node.Filter]) {
    if (text === undefined || / OR /.test(text)) continue;
    for (const [, of = "", column = "", sign] of text.matchAll(compared)) {
      if (plain(of) === alias) found[sign === "=" ? "equal" : "range"].add(plain(column));
    }
  }
  return { equal: [...found.equal], range: [...found.range] };
}

/** Returns the sort columns of `alias`; undefined where directions differ or another value is sorted by. */
function orderOf(alias: string, keys: readonly string[]): string[] | undefined {
  const parts = keys.map((key) => sorted.exec(key));
  const columns = parts.flatMap((part) =>
    part && plain(part[1]!) === alias ? [plain(part[2]!)] : []
  );
  const directions = new Set(parts.map((part) => part?.[3]));
  return columns.length === keys.length && directions.size === 1 ? columns : undefined;
}

/** What the nodes above a scan need of it. */
interface Above {
  /** Keys of a sort whose first rows alone are needed, and how many those are. */
  top: { keys: readonly string[]; rows: number } | undefined;
  joins: readonly PlanNode[];
}

const isScan = (node: PlanNode) =>
  node["Relation Name"] !== undefined && node.Alias !== undefined &&
  ["Seq Scan", "Index Scan", "Bitmap Heap Scan"].includes(node["Node Type"]);

function judgeScan(node: PlanNode, { top, joins }: Above): WastefulScan | undefined {
  const alias = node.Alias!;
  const { equal, range } = comparisonsOf(alias, node);
  const returned = rowsOf(node);
  const read = returned + (node["Rows Removed by Filter"] ?? 0) * (node["Actual Loops"] ?? 1);
  const wasteful = (columns: readonly string[], needed: number): WastefulScan | undefined =>
    columns.length > 0 && read >= readMin && needed <= neededMax * read
      ? {
        schema: node.Schema ?? "",
        relation: node["Relation Name"]!,
        columns: [...new Set(columns)].slice(0, columnsMax),
        read,
        needed,
      }
      : undefined;
  const order = top && orderOf(alias, top.keys);
  const byOrder = top && order && range.every((column) => order.includes(column))
    ? wasteful([...equal, ...order], top.rows)
    : undefined;
  return byOrder ?? wasteful([...equal, ...range.slice(0, 1)], returned) ??
    joins.map((join) => wasteful(joinColumns(alias, join), rowsOf(join)))
      .find((found) => found !== undefined);
}

/** Returns the columns of `alias` by which a join finds its rows. */
function joinColumns(alias: string, node: PlanNode): string[] {
  const text = [node["Hash Cond"], node["Merge Cond"], node["Join Filter"]].join(" ");
  return [...text.matchAll(joined)].flatMap(([, a = "", x = "", b = "", y = ""]) =>
    plain(a) === alias ? [plain(x)] : plain(b) === alias ? [plain(y)] : []
  );
}

/**
 * Returns the scans of a plan that read at least 1,000 rows of which at most a tenth is needed, by the answer of EXPLAIN
 * (ANALYZE, VERBOSE, FORMAT JSON). Pure.
 */
export function findWastefulScans(answer: unknown): WastefulScan[] {
  const root = (answer as { Plan?: PlanNode }[] | null)?.[0]?.Plan;
  const found: WastefulScan[] = [];
  const walk = (node: PlanNode, above: Above, limited: number | undefined): void => {
    if (isScan(node)) {
      const scan = judgeScan(node, above);
      if (scan) found.push(scan);
    }
    const type = node["Node Type"];
    const joins = / Join$|^Nested Loop$/.test(type) ? [node, ...above.joins] : above.joins;
    const top = type === "Sort" && limited !== undefined
      ? { keys: node["Sort Key"] ?? [], rows: limited }
      // Partitions and parallel workers are sorted together.
      : ["Append", "Gather", "Gather Merge", "Merge Append"].includes(type)
      ? above.top
      : undefined;
    const passesLimit = /^(Limit|Gather Merge|Merge Append)$/.test(type);
    const next = type === "Limit" ? rowsOf(node) : passesLimit ? limited : undefined;
    for (const child of node.Plans ?? []) walk(child, { top, joins }, next);
  };
  if (root) walk(root, { top: undefined, joins: [] }, undefined);
  return found;
}
