import { tokenize } from "./sql_text.ts";

/** How a parameter is compared with its column. */
export type Comparison = "equal" | "any" | "above" | "below" | "like" | "assigned";

/** A table by name; the schema is null where the search path decides. */
export interface TableRef {
  schema: string | null;
  name: string;
}

/** Where a parameter is used: compared with a column of one of some tables, or in LIMIT or OFFSET. */
export type Place =
  | { kind: "column"; column: string; tables: TableRef[]; comparison: Comparison }
  | { kind: "limit" }
  | { kind: "offset" };

interface PlanNode {
  "Relation Name"?: string;
  Schema?: string;
  Alias?: string;
  Plans?: PlanNode[];
  [key: string]: unknown;
}

const conditions = [
  "Index Cond",
  "Recheck Cond",
  "Filter",
  "Join Filter",
  "Hash Cond",
  "Merge Cond",
  "TID Cond",
  "One-Time Filter",
];

const name = String.raw`(?:"(?:[^"]|"")+"|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)`;
const operator = String.raw`(=|<>|!=|>=|<=|>|<|~~\*?)`;
/** Matches `alias.column`, optionally cast, an operator, optionally ANY, and an expression with one parameter. */
const ahead = new RegExp(
  String
    .raw`(${name})\.(${name})\)?(?:::[\w ]+?)?\)? ${operator} (ANY |ALL )?\(*(?:[^()$]*[ (])?\$(\d+)\b`,
  "g",
);

const comparisons: Record<string, Comparison> = {
  "=": "equal",
  "<>": "equal",
  "!=": "equal",
  ">": "above",
  ">=": "above",
  "<": "below",
  "<=": "below",
  "~~": "like",
  "~~*": "like",
  like: "like",
  ilike: "like",
};

const plain = (text: string) =>
  text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text;

/** Returns which columns the parameters of a generic plan are compared with. Pure. */
export function placesInPlan(plan: unknown): Map<number, Place> {
  const root = (plan as { Plan?: PlanNode }[] | null)?.[0]?.Plan;
  const places = new Map<number, Place>();
  if (!root) return places;
  const nodes: PlanNode[] = [];
  const walk = (node: PlanNode) => {
    nodes.push(node);
    for (const child of node.Plans ?? []) walk(child);
  };
  walk(root);
  const tables = new Map<string, TableRef>();
  for (const { Alias: alias, "Relation Name": relation, Schema: schema } of nodes) {
    if (alias && relation) tables.set(alias, { schema: schema ?? null, name: relation });
  }
  for (const node of nodes) {
    for (const key of conditions) {
      const text = node[key];
      if (typeof text !== "string") continue;
      for (const match of text.matchAll(ahead)) {
        const [, alias = "", column = "", sign = "", any, number = ""] = match;
        const table = tables.get(plain(alias));
        if (!table) continue;
        const comparison = any === "ANY " ? "any" : comparisons[sign] ?? "equal";
        note(places, Number(number), plain(column), table, comparison);
      }
    }
  }
  return places;
}

function note(
  places: Map<number, Place>,
  number: number,
  column: string,
  table: TableRef,
  comparison: Comparison,
): void {
  const known = places.get(number);
  if (known?.kind === "column") {
    // The same column of another partition; the largest one's statistics are used.
    if (known.column === column && known.tables.length < 5_000) known.tables.push(table);
    return;
  }
  places.set(number, { kind: "column", column, tables: [table], comparison });
}

/**
 * Returns where the parameters of a statement's text are used: `column = $1`, `between $1 and $2`, `in ($1, $2)`,
 * `set column = $1`, `insert into t (columns) values ($1, $2)`, `limit $1`. `tables` are those that it mentions. Pure.
 */
export function placesInText(sql: string, tables: readonly TableRef[]): Map<number, Place> {
  const tokens = tokenize(sql).filter(({ kind }) => kind !== "space" && kind !== "comment");
  // Joins the characters of an operator.
  const words: string[] = [];
  for (const { text, kind } of tokens) {
    const last = words.at(-1) ?? "";
    const joins = kind === "sign" && /^[<>=!~@?&|*:-]$/.test(text) &&
      /^[<>=!~@?&|*:-]+$/.test(last);
    if (joins) words[words.length - 1] = last + text;
    else words.push(kind === "word" ? text.toLowerCase() : text);
  }
  const places = new Map<number, Place>();
  const inserted = insertedColumns(words);
  for (const [at, word] of words.entries()) {
    const number = /^\$(\d+)$/.exec(word)?.[1];
    if (number === undefined || places.has(Number(number))) continue;
    const place = placeAt(words, at, tables) ??
      (inserted.get(at) === undefined ? undefined : {
        kind: "column" as const,
        column: inserted.get(at)!,
        tables: [...tables],
        comparison: "assigned" as const,
      });
    if (place) places.set(Number(number), place);
  }
  return places;
}

const isName = (word: string | undefined) =>
  word !== undefined && /^(?:"|[a-z_\u0080-\uffff])/.test(word);

/** Looks to the left of a parameter, over casts, parentheses, list items and operators, for its column. */
function placeAt(
  words: readonly string[],
  at: number,
  tables: readonly TableRef[],
): Place | undefined {
  let back = at - 1;
  if (words[back] === "limit") return { kind: "limit" };
  if (words[back] === "offset") return { kind: "offset" };
  const column = (index: number, comparison: Comparison): Place | undefined =>
    isName(words[index])
      ? { kind: "column", column: plain(words[index]!), tables: [...tables], comparison }
      : undefined;
  // cast($1 as type)
  if (words[back] === "(" && words[back - 1] === "cast") back -= 2;
  if (words[back] === "between") return column(back - 1, "above");
  if (words[back] === "and" && words[back - 2] === "between") return column(back - 3, "below");
  let list = back;
  while (list > 0 && (/^\$\d+$/.test(words[list]!) || words[list] === ",")) list--;
  if (words[list] === "(" && words[list - 1] === "in") {
    return column(words[list - 2] === "not" ? list - 3 : list - 2, "equal");
  }
  const any = words[back] === "(" && (words[back - 1] === "any" || words[back - 1] === "all");
  if (any) back -= 2;
  const comparison = comparisons[words[back] ?? ""];
  if (comparison === undefined) return undefined;
  return column(back - 1, any ? "any" : comparison);
}

/** Returns, for `insert into t (a, b) values (x, y)`, the column of each word in the values. */
function insertedColumns(words: readonly string[]): Map<number, string> {
  const found = new Map<number, string>();
  const into = words.indexOf("into");
  const open = words.indexOf("(", into);
  const close = words.indexOf(")", open);
  const values = words.indexOf("values", close);
  if (words[0] !== "insert" || into === -1 || open === -1 || values !== close + 1) return found;
  const columns = words.slice(open + 1, close).filter((word) => word !== ",").map(plain);
  let depth = 0;
  let item = 0;
  for (let at = values + 1; at < words.length; at++) {
    const word = words[at]!;
    if (word === "(") {
      depth++;
      if (depth === 1) item = 0;
    } else if (word === ")") depth--;
    else if (word === "," && depth === 1) item++;
    else if (depth === 0 && word !== ",") break;
    else if (columns[item] !== undefined) found.set(at, columns[item]!);
  }
  return found;
}
