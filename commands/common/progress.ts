import process from "node:process";

/** Creates a progress bar on a terminal; elsewhere it prints a line every two seconds. */
export function createProgressBar({ write, isTerminal, now = () => performance.now() }: {
  write: (text: string) => void;
  isTerminal: boolean;
  now?: () => number;
}) {
  let lastDrawn = -Infinity;
  let drawn = false;
  let waiting = false;
  const everyMs = isTerminal ? 100 : 2_000;
  const width = 30;
  function show(line: string, force: boolean): void {
    if (!force && now() - lastDrawn < everyMs) return;
    lastDrawn = now();
    drawn = true;
    write(isTerminal ? `\r\x1b[2K${line}` : `${line}\n`);
  }
  function barOf(fraction: number): string {
    const done = Math.round(Math.min(1, fraction) * width);
    const bar = "█".repeat(done) + "░".repeat(width - done);
    return `${bar} ${String(Math.floor(fraction * 100)).padStart(3)}%  `;
  }
  return {
    /** Draws the bar for a fraction from 0 to 1 and the note; only the note without a fraction. */
    draw(label: string, fraction: number | undefined, note: string, force = false): void {
      show(`${label} ${fraction === undefined ? "" : barOf(fraction)}${note}`, force || waiting);
      waiting = false;
    },
    /** Shows on the same line why the work waits. */
    wait(label: string, why: string): void {
      show(`${label} waiting: ${why}`, isTerminal || !waiting);
      waiting = true;
    },
    end(): void {
      if (isTerminal && drawn) write("\n");
      drawn = false;
      waiting = false;
    },
  };
}

export type ProgressBar = ReturnType<typeof createProgressBar>;

export function stderrProgressBar(): ProgressBar {
  return createProgressBar({
    write: (text) => void process.stderr.write(text),
    isTerminal: process.stderr.isTTY === true,
  });
}

/** Formats an integer with thousands separators. */
export const count = (value: number): string => Math.round(value).toLocaleString("en-US");

/** Returns a function for the seconds since its creation; never zero, so that rates can be divided by it. */
export function startWatch(): () => number {
  const started = performance.now();
  return () => Math.max(0.001, (performance.now() - started) / 1000);
}
