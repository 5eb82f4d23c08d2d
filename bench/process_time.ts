/** Returns the processor time of a process so far, in seconds; undefined without /proc (read by cat, because Deno restricts it). */
export async function cpuSeconds(pid: number): Promise<number | undefined> {
  const { stdout, success } = await new Deno.Command("cat", { args: [`/proc/${pid}/stat`] })
    .output();
  if (!success) return undefined;
  const [user = 0, system = 0] = (new TextDecoder().decode(stdout).split(") ")[1] ?? "").split(" ")
    .slice(11, 13).map(Number);
  return (user + system) / 100;
}
