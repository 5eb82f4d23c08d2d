import process from "node:process";

/** A bar on a terminal, redrawn in place; elsewhere a line every few seconds. */
export function createProgressBar({ write, isTerminal, now = () => performance.now() }: {
  write: (text: string) => void;
  isTerminal: boolean;
  now?: () => number;
}) {
  let lastDrawn = -Infinity;
  const everyMs = isTerminal ? 100 : 2_000;
  const width = 30;
  return {
    draw(label: string, fraction: number, note: string, force = false): void {
      if (!force && now() - lastDrawn < everyMs) return;
      lastDrawn = now();
      const done = Math.round(Math.min(1, fraction) * width);
      const bar = "█".repeat(done) + "░".repeat(width - done);
      const line = `${label} ${bar} ${String(Math.floor(fraction * 100)).padStart(3)}%  ${note}`;
      write(isTerminal ? `\r\x1b[2K${line}` : `${line}\n`);
    },
    end(): void {
      if (isTerminal) write("\n");
    },
  };
}

export function stderrProgressBar() {
  return createProgressBar({
    write: (text) => void process.stderr.write(text),
    isTerminal: process.stderr.isTTY === true,
  });
}
