import type { History } from "../history/history.ts";

/** The medians of a metric in a window and in an equally long time before it; `score` in spreads of the time before. */
export interface Move {
  name: string;
  before: number;
  during: number;
  score: number;
}

const metricsMax = 200;
const listedMax = 40;
const pointsMax = 120;
/** A lower score is within the usual spread of the metric. */
const scoreMin = 3;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? NaN)) / 2;
}

/**
 * Compares the medians of two series in spreads of the first: its median absolute deviation, scaled to a standard
 * deviation. A spread is at least 2 % of the value, so that small changes of a constant metric do not count. Undefined
 * with too few points. Pure.
 */
export function moveOf(
  name: string,
  before: readonly number[],
  during: readonly number[],
): Move | undefined {
  if (before.length < 5 || during.length < 2) return undefined;
  const usual = median(before);
  const now = median(during);
  const spread = 1.4826 * median(before.map((value) => Math.abs(value - usual)));
  const least = Math.max(Math.abs(usual), Math.abs(now)) * 0.02;
  const unit = Math.max(spread, least);
  if (unit === 0) return undefined;
  return { name, before: usual, during: now, score: Math.abs(now - usual) / unit };
}

/** Returns the metrics of the server that changed most between `from` and `to` (milliseconds since 1970), highest first. */
export async function rankMoves(
  history: Pick<History, "names" | "read">,
  from: number,
  to: number,
): Promise<Move[]> {
  const stepSeconds = Math.max(30, Math.ceil((to - from) / 1000 / pointsMax));
  const moves: Move[] = [];
  for (const name of history.names().slice(0, metricsMax)) {
    const found = await history.read({
      name,
      scope: "",
      from: from - (to - from),
      to,
      stepSeconds,
    });
    const points = found?.points ?? [];
    const values = (late: boolean) =>
      points.filter(({ ts }) => ts >= from === late).map(({ value }) => value);
    const move = moveOf(name, values(false), values(true));
    if (move && move.score >= scoreMin) moves.push(move);
  }
  return moves.sort((a, b) => b.score - a.score).slice(0, listedMax);
}
