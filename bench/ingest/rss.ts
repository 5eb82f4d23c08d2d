const pageBytes = 4_096;
const everyMs = 50;

/** Resident memory of a process in bytes; Linux only. */
export async function readRss(pid: number): Promise<number> {
  const statm = await Deno.readTextFile(`/proc/${pid}/statm`);
  return Number(statm.split(" ")[1]) * pageBytes;
}

/** Reads the memory of a process again and again until stopped; answers every reading. */
export function watchRss(pid: number): { stop(): number[] } {
  const readings: number[] = [];
  const timer = setInterval(() => {
    readRss(pid).then((bytes) => readings.push(bytes), () => {});
  }, everyMs);
  return {
    stop() {
      clearInterval(timer);
      return readings;
    },
  };
}
