import { existsSync } from "node:fs";

/** `script` of util-linux, which runs a command in a terminal of its own. */
export const terminal = { what: "script (util-linux)", present: existsSync("/usr/bin/script") };

/** A command in a real terminal. */
export interface Terminal {
  /** What it has shown. */
  shown(): string;
  type(text: string): Promise<void>;
  /** Closes the terminal, as its window does: what runs there gets SIGHUP. */
  close(): void;
  exited: Promise<number>;
}

/** Runs a command line in a terminal; Ctrl-C is "\x03". */
export function openTerminal(
  command: string,
  { cwd, env }: { cwd: string; env: Record<string, string> },
): Terminal {
  const child = new Deno.Command("/usr/bin/script", {
    args: ["--quiet", "--return", "--flush", "--command", command, "/dev/null"],
    cwd,
    env,
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let shown = "";
  const drained = (async () => {
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) shown += text;
  })();
  const writer = child.stdin.getWriter();
  return {
    shown: () => shown,
    type: (text) => writer.write(new TextEncoder().encode(text)),
    close: () => child.kill("SIGKILL"),
    exited: child.status.then(async ({ code }) => {
      await drained;
      await writer.close().catch(() => {});
      return code;
    }),
  };
}
