/** Structured logs: one JSON line per event. */
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

/** Creates a logger that writes JSON lines of `level` and above through `write`. */
export function createLogger(
  {
    level,
    write = (line) => unlessGone(() => console.log(line)),
    now = () => new Date(),
    fields = {},
  }: {
    level: LogLevel;
    write?: (line: string) => void;
    now?: () => Date;
    fields?: LogFields;
  },
): Logger {
  const emit = (at: LogLevel, event: string, extra: LogFields = {}) => {
    if (order[at] < order[level]) return;
    const line = { ts: now().toISOString(), level: at, event, ...fields, ...extra };
    try {
      write(JSON.stringify(redact(line)));
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
    child: (more) => createLogger({ level, write, now, fields: { ...fields, ...more } }),
  };
}
