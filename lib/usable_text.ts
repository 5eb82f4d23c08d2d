/** Where in a JSON value something is, and what is wrong with it. */
export interface TextProblem {
  path: string;
  message: string;
}

/** Whether JSON text nests arrays and objects deeper than `max`. Brackets inside strings do not count. */
function isDeeper(text: string, max: number): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) { // a string: on to its end
      for (at++; at < text.length && text.charCodeAt(at) !== 0x22; at++) {
        if (text.charCodeAt(at) === 0x5c) at++;
      }
    } else if (code === 0x5b || code === 0x7b) {
      if (++depth > max) return true;
    } else if (code === 0x5d || code === 0x7d) depth--;
  }
  return false;
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
 * Returns what makes JSON text unusable for a database: nesting beyond `depthMax`, a NUL, or half of a surrogate pair.
 * Undefined where there is nothing, and where the text is no JSON: that is for whoever parses it.
 */
export function unusableText(text: string, depthMax: number): TextProblem | undefined {
  if (isDeeper(text, depthMax)) {
    return { path: "json", message: `is nested more than ${depthMax} deep` };
  }
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
