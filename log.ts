/** Structured logs: one line per event, as JSON for programs or as text for people. */
export type LogLevel = "debug" | "info" | "warn" | "error";

export type LogFields = Record<string, unknown>;

export interface Logger {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every line. */
  child(fields: LogFields): Logger;
}

const order: Record<LogLevel, number> = { debug: 10, info: 20, warn: 30, error: 40 };
const secretKey = /token|secret|password|authorization|cookie/i;
const urlPassword = /(\w+:\/\/[^:/@\s]+:)[^@\s]+@/g;
const keywordPassword = /(password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]+)/gi;

/** Logs are read by many eyes: what is named like a secret, and passwords inside URLs, never reach them. */
function redact(value: unknown, key = "", depth = 0): unknown {
  if (secretKey.test(key)) return "[redacted]";
  if (typeof value === "string") {
    return value.replace(urlPassword, "$1[redacted]@").replace(keywordPassword, "$1[redacted]");
  }
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Error) {
    const code = (value as { code?: unknown }).code;
    return {
      name: value.name,
      message: redact(value.message),
      ...(code === undefined ? {} : { code }),
      stack: redact(value.stack),
      ...(value.cause === undefined || depth > 3
        ? {}
        : { cause: redact(value.cause, "", depth + 1) }),
    };
  }
  if (depth > 4) return "[deep]";
  if (Array.isArray(value)) return value.slice(0, 50).map((item) => redact(item, "", depth + 1));
  if (value instanceof Date) return value.toISOString();
  if (value && typeof value === "object") {
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [name, redact(item, name, depth + 1)]),
    );
  }
  return value;
}

/** Writes a line where nobody may be left to read it: a terminal that was closed, or a pipe without a reader. */
function unlessGone(write: () => void): void {
  try {
    write();
  } catch {
    // There is nowhere to say so, and it is no reason to stop in disorder.
  }
}

/** Writes a plain line for the person at the terminal. */
export const tellPerson = (line: string): void => unlessGone(() => console.error(line));

/** Characters that make a terminal do something, or begin a line. */
const controls = /[\p{Cc}\u2028\u2029]/gu;

/** Writes a value in one word, or quoted as in JSON: nothing that is logged can move the cursor or begin a line. */
function shortText(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value) ?? String(value);
  if (typeof value !== "string" || /^[\w.:/@%+*,;()[\]{}<>?&#~-]+$/.test(text)) {
    return text.replace(controls, "\ufffd");
  }
  return JSON.stringify(text).replace(controls, "\ufffd");
}

/** Writes an event for a person: time of day (UTC), level, event, fields; the stack of an error on lines below. */
function textLine({ ts, level, event, ...fields }: Record<string, unknown>): string {
  const stacks: string[] = [];
  const parts = Object.entries(fields).filter(([, value]) => value !== undefined).map(
    ([name, value]) => {
      const { stack, message, ...more } = (value ?? {}) as Record<string, unknown>;
      if (typeof stack !== "string") return `${name}=${shortText(value)}`;
      // The message stands in the stack once more, over several lines if it has them.
      stacks.push(...stack.split("\n").filter((line) => /^\s+at /.test(line)));
      const rest = Object.keys(more).length > 1 ? ` ${shortText(more)}` : "";
      return `${name}=${shortText(message)}${rest}`;
    },
  );
  const head = `${String(ts).slice(11, 23)} ${String(level).toUpperCase().padEnd(5)} ${event}`;
  const below = stacks.map((line) => `\n  ${line.trim().replace(controls, "\ufffd")}`);
  return [head, ...parts].join(" ") + below.join("");
}

/** Creates a logger that writes lines of `level` and above through `write`. */
export function createLogger(
  {
    level,
    format = "json",
    write = (line) => unlessGone(() => console.log(line)),
    now = () => new Date(),
    fields = {},
  }: {
    level: LogLevel;
    format?: "json" | "text";
    write?: (line: string) => void;
    now?: () => Date;
    fields?: LogFields;
  },
): Logger {
  const emit = (at: LogLevel, event: string, extra: LogFields = {}) => {
    if (order[at] < order[level]) return;
    const line = { ts: now().toISOString(), level: at, event, ...fields, ...extra };
    try {
      const shown = redact(line) as Record<string, unknown>;
      write(format === "json" ? JSON.stringify(shown) : textLine(shown));
    } catch {
      write(
        JSON.stringify({ ts: now().toISOString(), level: at, event, log_error: "unprintable" }),
      );
    }
  };
  return {
    debug: (event, extra) => emit("debug", event, extra),
    info: (event, extra) => emit("info", event, extra),
    warn: (event, extra) => emit("warn", event, extra),
    error: (event, extra) => emit("error", event, extra),
    child: (more) => createLogger({ level, format, write, now, fields: { ...fields, ...more } }),
  };
}
