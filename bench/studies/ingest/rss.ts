export interface Memory {
  /** Resident memory, in bytes. */
  resident: number;
  /** Peak resident memory, in bytes. */
  most: number;
}

/** Reads the memory of a process on Linux, by cat, because Deno opens /proc only with all permissions. */
export async function readMemory(pid: number): Promise<Memory> {
  const { stdout } = await new Deno.Command("cat", { args: [`/proc/${pid}/status`] }).output();
  const text = new TextDecoder().decode(stdout);
  const bytesOf = (name: string) =>
    Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(text)?.[1]) * 1024;
  return { resident: bytesOf("VmRSS"), most: bytesOf("VmHWM") };
}

/** Reads the memory of a process every second; `stop` returns all readings of resident memory. */
export function watchMemory(pid: number): { stop(): number[] } {
  const readings: number[] = [];
  const timer = setInterval(() => {
    readMemory(pid).then(({ resident }) => readings.push(resident), () => {});
  }, 1_000);
  return {
    stop() {
      clearInterval(timer);
      return readings;
    },
  };
}
