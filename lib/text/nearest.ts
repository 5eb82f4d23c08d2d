/** Returns the number of insertions, deletions, replacements and swaps of neighbours between two short words. */
function distance(a: string, b: string): number {
  const width = b.length + 1;
  const cells = new Uint16Array((a.length + 1) * width);
  const cell = (row: number, column: number) => cells[row * width + column] ?? 0;
  for (let row = 0; row <= a.length; row++) {
    for (let column = 0; column <= b.length; column++) {
      let least = row === 0 || column === 0 ? row + column : Math.min(
        cell(row - 1, column) + 1,
        cell(row, column - 1) + 1,
        cell(row - 1, column - 1) + Number(a[row - 1] !== b[column - 1]),
      );
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] &&
        a[row - 2] === b[column - 1];
      if (swapped) least = Math.min(least, cell(row - 2, column - 2) + 1);
      cells[row * width + column] = least;
    }
  }
  return cell(a.length, b.length);
}

const plain = (name: string) => name.toLowerCase().replaceAll("-", "_");
/** Longer words are nobody's slip of the finger, and cost too much to compare. */
const lengthMax = 64;

/**
 * Returns the name of `known` that `given` most likely stands for: equal but for case and hyphens, or one slip away for
 * every three letters; undefined where none is that near.
 */
export function nearest(given: string, known: Iterable<string>): string | undefined {
  if (given.length > lengthMax) return undefined;
  let best: { name: string; slips: number } | undefined;
  for (const name of known) {
    const slips = distance(plain(given), plain(name));
    const allowed = Math.max(1, Math.floor(Math.max(given.length, name.length) / 3));
    if (slips <= allowed && slips < (best?.slips ?? Infinity)) best = { name, slips };
  }
  return best?.name;
}

/** Returns "; did you mean x?" for the nearest known name, or nothing where none is near. */
export function suggestion(given: string, known: Iterable<string>): string {
  const name = nearest(given, known);
  return name === undefined ? "" : `; did you mean ${name}?`;
}
