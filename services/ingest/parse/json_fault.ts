/** Where text stops being JSON. */
export interface JsonFault {
  /** Line of the text, from 1. */
  line: number;
  /** The field with the wrong value; undefined outside of one. */
  field: string | undefined;
  /** The text found there; empty at the end. */
  found: string;
}

const escape = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const scalar = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const word = /-?\w{1,20}|[^]/uy;

/** Names that an answer may repeat unchanged. */
const plainName = /^[a-z_]{1,32}$/;

function isSpace(unit: number): boolean {
  return unit === 0x20 || unit === 0x0a || unit === 0x0d || unit === 0x09;
}

type Expected =
  | "value"
  | "value or end"
  | "key"
  | "key or end"
  | "colon"
  | "comma or end"
  | "nothing";

/**
 * Finds the first fault of text that JSON.parse has refused; undefined when there is none. V8 gives no position for the
 * most common faults (NaN, a trailing comma), and no engine names the field.
 */
export function findJsonFault(source: string): JsonFault | undefined {
  const open: ("{" | "[")[] = [];
  const keys: (string | undefined)[] = [];
  let expected = "value" as Expected;
  let at = 0;

  function match(pattern: RegExp): string | undefined {
    pattern.lastIndex = at;
    const found = pattern.exec(source)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  }

  function take(char: string): boolean {
    if (source[at] !== char) return false;
    at++;
    return true;
  }

  /** Reads a string, or stops at its fault. A regular expression would recurse with its length. */
  function takeText(): string | undefined {
    const start = at;
    if (!take('"')) return undefined;
    while (at < source.length) {
      const unit = source.charCodeAt(at);
      if (take('"')) return source.slice(start, at);
      if (unit < 0x20) break;
      if (unit !== 0x5c) at++;
      else if (match(escape) === undefined) break;
    }
    return undefined;
  }

  const valueEnded = () => expected = open.length === 0 ? "nothing" : "comma or end";

  function close(): boolean {
    const opened = open.at(-1);
    if (opened === undefined || !take(opened === "{" ? "}" : "]")) return false;
    open.pop();
    keys.pop();
    valueEnded();
    return true;
  }

  function takeValue(): boolean {
    const char = source[at];
    if (char === "{" || char === "[") {
      at++;
      open.push(char);
      keys.push(undefined);
      expected = char === "{" ? "key or end" : "value or end";
      return true;
    }
    if ((char === '"' ? takeText() : match(scalar)) === undefined) return false;
    valueEnded();
    return true;
  }

  function takeKey(): boolean {
    const key = takeText();
    if (key === undefined) return false;
    keys[keys.length - 1] = JSON.parse(key);
    expected = "colon";
    return true;
  }

  function step(): boolean {
    switch (expected) {
      case "value":
        return takeValue();
      case "value or end":
        return close() || takeValue();
      case "key":
        return takeKey();
      case "key or end":
        return close() || takeKey();
      case "colon":
        expected = "value";
        return take(":");
      case "comma or end":
        if (close()) return true;
        expected = open.at(-1) === "{" ? "key" : "value";
        return take(",");
      case "nothing":
        return false;
    }
  }

  for (;;) {
    while (isSpace(source.charCodeAt(at))) at++;
    if (expected === "nothing" && at === source.length) return undefined;
    const inKey = expected === "key" || expected === "key or end";
    if (step()) continue;
    const field = inKey ? undefined : keys.find((key) => key !== undefined);
    return {
      line: source.slice(0, at).split("\n").length,
      field: field !== undefined && plainName.test(field) ? field : undefined,
      found: match(word) ?? "",
    };
  }
}

/** Describes a fault: `price: unexpected NaN`. */
export function describeJsonFault(
  source: string,
): { line: number; field: string | undefined; words: string; notFinite: boolean } {
  const { line, field, found } = findJsonFault(source) ??
    { line: 1, field: undefined, found: "" };
  const what = found === "" ? "it ends too early" : `unexpected ${JSON.stringify(found)}`;
  return {
    line,
    field,
    words: field === undefined ? what : `${field}: ${what}`,
    notFinite: /^-?(NaN|Infinity)$/.test(found),
  };
}
