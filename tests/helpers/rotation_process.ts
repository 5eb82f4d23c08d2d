/** Starts a process that rotates once, for a test to kill; the arguments are those of rotate_once.ts. */
export function startRotation(...args: string[]): Deno.ChildProcess {
  const script = new URL("rotate_once.ts", import.meta.url).pathname;
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", script, ...args],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}
