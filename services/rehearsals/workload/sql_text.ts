/** A token of SQL text, as the server's scanner splits it. */
interface Token {
  kind: "word" | "quoted_name" | "string" | "parameter" | "comment" | "space" | "sign";
  text: string;
  at: number;
}

const patterns: readonly [Token["kind"], RegExp][] = [
  ["space", /\s+/y],
  ["comment", /--[^\n]*/y],
  ["string", /[eE]'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)/y],
  ["string", /(?:[bBxXnN]|[uU]&)?'(?:[^']|'')*(?:'|$)/y],
  ["quoted_name", /(?:[uU]&)?"(?:[^"]|"")*(?:"|$)/y],
  ["parameter", /\$\d+/y],
  ["word", /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y],
];
const dollarTag = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;

/** Returns the end of a comment, which may contain nested ones. */
function endOfComment(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length - 1; at++) {
    const two = text.slice(at, at + 2);
    if (two === "/*") depth++;
    else if (two === "*/") depth--;
    else continue;
    at++;
    if (depth === 0) return at + 1;
  }
  return text.length;
}

/** Splits SQL into tokens whose texts joined are the input. Never throws: an unterminated string ends with the text. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const take = (kind: Token["kind"], end: number) => {
    tokens.push({ kind, text: text.slice(at, end), at });
    at = end;
  };
  scan: while (at < text.length) {
    if (text.startsWith("/*", at)) {
      take("comment", endOfComment(text, at));
      continue;
    }
    dollarTag.lastIndex = at;
    const tag = dollarTag.exec(text)?.[0];
    if (tag !== undefined) {
      const end = text.indexOf(tag, at + tag.length);
      take("string", end === -1 ? text.length : end + tag.length);
      continue;
    }
    for (const [kind, pattern] of patterns) {
      pattern.lastIndex = at;
      if (!pattern.test(text)) continue;
      take(kind, pattern.lastIndex);
      continue scan;
    }
    take("sign", at + 1);
  }
  return tokens;
}

const isCode = ({ kind }: Token) => kind !== "space" && kind !== "comment";

/** One statement of a script, and the line (from 1) where it starts. */
export interface ScriptStatement {
  sql: string;
  line: number;
}

/** Splits a script at its semicolons; leaves out statements without code. */
export function splitStatements(script: string): ScriptStatement[] {
  const statements: ScriptStatement[] = [];
  let tokens: Token[] = [];
  // The body of a SQL function (begin atomic … end) contains semicolons.
  let depth = 0;
  const close = () => {
    const first = tokens.findIndex(isCode);
    if (first !== -1) {
      const own = tokens.slice(first);
      statements.push({
        sql: own.map(({ text }) => text).join("").trim(),
        line: script.slice(0, own[0]!.at).split("\n").length,
      });
    }
    tokens = [];
  };
  let before = "";
  for (const token of tokenize(script)) {
    const word = token.kind === "word" ? token.text.toLowerCase() : "";
    if (word === "atomic" && before === "begin") depth++;
    else if (depth > 0 && word === "case") depth++;
    else if (depth > 0 && word === "end") depth--;
    if (isCode(token)) before = word;
    if (token.text === ";" && token.kind === "sign" && depth === 0) close();
    else tokens.push(token);
  }
  close();
  return statements;
}

/** Returns the words of a statement in lower case, without those in parentheses, strings, comments and quoted names. */
function outerWords(sql: string): string[] {
  const words: string[] = [];
  let depth = 0;
  for (const { kind, text } of tokenize(sql)) {
    if (kind === "sign") depth += text === "(" ? 1 : text === ")" ? -1 : 0;
    else if (kind === "word" && depth === 0) words.push(text.toLowerCase());
  }
  return words;
}

/** Returns whether a statement is a COPY whose rows a client sends (`from`) or takes (`to`); undefined for any other. */
export function copyOfClient(sql: string): "from" | "to" | undefined {
  const words = outerWords(sql);
  if (words[0] !== "copy") return undefined;
  const at = words.findIndex((word, at) =>
    (word === "from" || word === "to") && /^std(in|out)$/.test(words[at + 1] ?? "")
  );
  return at === -1 ? undefined : words[at] as "from" | "to";
}

/** Returns the statement that begins a transaction which the script does not end; undefined where there is none. */
export function findOpenTransaction(
  statements: readonly ScriptStatement[],
): ScriptStatement | undefined {
  let open: ScriptStatement | undefined;
  for (const statement of statements) {
    const words = outerWords(statement.sql);
    const [first = "", second] = words;
    const begins = first === "begin" || first === "start" && second === "transaction";
    const ends = /^(commit|end|rollback|abort)$/.test(first) && !words.includes("to") ||
      first === "prepare" && second === "transaction";
    const chains = words.at(-1) === "chain" && words.at(-2) === "and";
    if (begins) open ??= statement;
    else if (ends) open = chains ? statement : undefined;
  }
  return open;
}

export type StatementKind = "read" | "write" | "other";

const writing = new Set(["insert", "update", "delete", "merge"]);

/** Returns whether a statement reads or writes rows; `other` ones cannot be replayed. */
export function kindOf(sql: string): StatementKind {
  const words = tokenize(sql).filter(({ kind }) => kind === "word")
    .map(({ text }) => text.toLowerCase());
  const first = words[0] ?? "";
  const writes = words.some((word) => writing.has(word));
  if (writing.has(first)) return "write";
  if (first === "with") return writes ? "write" : "read";
  if (first !== "select" && first !== "values" && first !== "table") return "other";
  if (words.includes("into")) return "other";
  const locks = words.some((word, at) =>
    word === "for" && ["update", "share", "no", "key"].includes(words[at + 1] ?? "")
  );
  return locks ? "write" : "read";
}

/** Returns the highest n of all $n; 0 without parameters. */
export function parameterCount(sql: string): number {
  return tokenize(sql).reduce(
    (most, { kind, text }) => kind === "parameter" ? Math.max(most, Number(text.slice(1))) : most,
    0,
  );
}

const typeWords = /\b(interval|timestamptz|timestamp|date|time|numeric)\s+(\$\d+)/gi;

/** Rewrites `interval $1` as a cast: pg_stat_statements turns `interval '1 day'` into it, and no server accepts it. */
export function mendTypeWords(sql: string): string {
  return sql.replace(
    typeWords,
    (_all, type: string, parameter: string) => `cast(${parameter} as ${type})`,
  );
}

const unquoted = (name: string) =>
  name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.toLowerCase();

/** Returns all names in a text, each once, unquoted, with the schema where it is given. */
export function namesIn(sql: string): { schema: string | null; name: string }[] {
  const tokens = tokenize(sql).filter(isCode);
  const isName = (token: Token | undefined) =>
    token !== undefined && (token.kind === "word" || token.kind === "quoted_name");
  const found = new Map<string, { schema: string | null; name: string }>();
  for (const [at, token] of tokens.entries()) {
    if (!isName(token)) continue;
    const dotted = tokens[at - 1]?.text === "." && isName(tokens[at - 2]);
    const one = {
      schema: dotted ? unquoted(tokens[at - 2]!.text) : null,
      name: unquoted(token.text),
    };
    found.set(JSON.stringify(one), one);
  }
  return [...found.values()];
}
