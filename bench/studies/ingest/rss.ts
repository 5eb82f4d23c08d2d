export interface Memory {
  /** Resident now, in bytes. */
  resident: number;
  /** The most it ever was. */
  most: number;
}

/** Memory of a process; Linux only. Deno itself opens nothing in /proc without all permissions. */
export async function readMemory(pid: number): Promise<Memory> {
  const { stdout } = await new Deno.Command("cat", { args: [`/proc/${pid}/status`] }).output();
  const text = new TextDecoder().decode(stdout);
  const bytesOf = (name: string) =>
    Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(text)?.[1]) * 1024;
  return { resident: bytesOf("VmRSS"), most: bytesOf("VmHWM") };
}

/** Reads the memory of a process every second until stopped; answers every reading of what was resident. */
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
