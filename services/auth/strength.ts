/** A token with fewer bits than this is reported as weak. */
export const strongBits = 128;

/** What a word of a passphrase is worth: one of 7,776 (diceware). */
const wordBits = Math.log2(7_776);
const longestWord = 12;

/** How many characters somebody who guesses would try in each place. */
function alphabetOf(text: string): number {
  if (/^[0-9a-f]+$/.test(text) || /^[0-9A-F]+$/.test(text)) return /\D/.test(text) ? 16 : 10;
  const classes: readonly [RegExp, number][] = [
    [/[a-z]/, 26],
    [/[A-Z]/, 26],
    [/\d/, 10],
    [/[^a-zA-Z\d]/, 33],
  ];
  return classes.reduce((sum, [pattern, size]) => sum + (pattern.test(text) ? size : 0), 0);
}

/** Characters that do not follow from the two before them, as in `aaaa`, `1234` and `fedc`. */
function surprising(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    const step = text.charCodeAt(at) - text.charCodeAt(at - 1);
    const before = text.charCodeAt(at - 1) - text.charCodeAt(at - 2);
    if (!(Math.abs(step) <= 1 && step === before)) count++;
  }
  return count;
}

/** The shortest text that gives this one when repeated. */
function unitOf(text: string): string {
  const period = (text + text).indexOf(text, 1);
  return text.slice(0, period);
}

/** What a passphrase of words is worth; infinitely much where the text is none. */
function bitsOfWords(text: string): number {
  const plain = /^([a-zA-Z]+([-_. ][a-zA-Z]+)*)[-_. ]?\d{0,4}[!?.]?$/.exec(text)?.[1];
  if (plain === undefined) return Infinity;
  const parted = plain.split(/[-_. ]/);
  const words = parted.length > 1 ? parted : plain.split(/(?<=[a-z])(?=[A-Z])/);
  const letters = words.reduce((sum, { length }) => sum + length, 0);
  // Random letters of both cases fall apart into pieces that are shorter than words are.
  const meanLength = letters / words.length;
  const areWords = meanLength >= (parted.length > 1 ? 3.5 : 4.5) &&
    words.every((word) =>
      word.length <= longestWord && /[aeiouy]/i.test(word) && /^([A-Z]?[a-z]+|[A-Z]+)$/.test(word)
    );
  return areWords ? words.length * wordBits : Infinity;
}

/**
 * Estimates how many bits somebody has to guess, at most: by the characters used, less for repetitions, runs and words. No
 * estimate can tell a random token from one that somebody knows; a low one is certain, a high one is not.
 */
export function plausibleBits(token: string): number {
  const unit = unitOf(token);
  const distinct = new Set(unit).size;
  const alphabet = alphabetOf(unit);
  // Of so many random characters, this many differ on average; far fewer were not random.
  const expected = alphabet * (1 - (1 - 1 / alphabet) ** unit.length);
  const bitsEach = Math.log2(distinct < expected / 2 ? distinct : alphabet);
  const bits = bitsEach * surprising(unit);
  return Math.min(bits, bitsOfWords(unit));
}
