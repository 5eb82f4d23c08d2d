/** Where in a JSON value something is, and what is wrong with it. */
export interface TextProblem {
  path: string;
  message: string;
}

/** What JSON text may hold at most. */
export interface TextLimits {
  /** Arrays and objects inside one another. */
  depth: number;
  /** Values in all, but for one. */
  values: number;
}

/** The first limit that JSON text exceeds, in words. What stands inside strings does not count. */
function exceeded(text: string, limits: TextLimits): string | undefined {
  let depth = 0;
  let values = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) { // a string: on to its end
      for (at++; at < text.length && text.charCodeAt(at) !== 0x22; at++) {
        if (text.charCodeAt(at) === 0x5c) at++;
      }
    } else if (code === 0x5b || code === 0x7b) {
      if (++depth > limits.depth) return `is nested more than ${limits.depth} deep`;
    } else if (code === 0x5d || code === 0x7d) depth--;
    else if (code === 0x2c && ++values > limits.values) {
      return `has more than ${limits.values} values`;
    }
  }
  return undefined;
}

const lone = (text: string) => !text.isWellFormed();

function problemIn(text: string): string | undefined {
  if (text.includes("\0")) return "holds a NUL, which the database cannot store";
  if (lone(text)) return "holds half of a surrogate pair, which is not UTF-8";
  return undefined;
}

/** The first bad string of a value, keys included. */
function findBad(value: unknown, path: string): TextProblem | undefined {
  if (typeof value === "string") {
    const message = problemIn(value);
    return message === undefined ? undefined : { path, message };
  }
  if (value === null || typeof value !== "object") return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const shown = key.replace(/[^\x20-\x7e]/g, "?").slice(0, 60);
    const at = path === "" ? shown : `${path}.${shown}`;
    const message = problemIn(key);
    const found = message === undefined ? findBad(inner, at) : { path: at, message };
    if (found) return found;
  }
  return undefined;
}

/**
 * Returns what makes JSON text unusable: more nesting or values than allowed, a NUL, or half of a surrogate pair.
 * Undefined where there is nothing, and where the text is no JSON: that is for whoever parses it.
 */
export function unusableText(text: string, limits: TextLimits): TextProblem | undefined {
  const message = exceeded(text, limits);
  if (message !== undefined) return { path: "json", message };
  // Both can only come escaped: the text itself was decoded from UTF-8, and raw control characters are no JSON.
  if (!/\\u(0000|d[89a-f])/i.test(text)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const found = findBad(value, "");
  return found && { ...found, path: found.path || "json" };
}
