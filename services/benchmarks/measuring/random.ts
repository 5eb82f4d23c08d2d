/** A seeded random generator: the same seed gives the same run. Not for secrets. */
export interface Random {
  /** Returns a number from 0 (included) to 1 (excluded). */
  next(): number;
  /** Returns an integer from 0 to `below` − 1. */
  int(below: number): number;
}

/** Advances xoshiro128** (Blackman and Vigna, prng.di.unimi.it) by one step and returns its 32-bit result. */
export function xoshiro128(state: Uint32Array): number {
  const [a = 0, b = 0, c = 0, d = 0] = state;
  const scrambled = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
  const third = c ^ a;
  const fourth = d ^ b;
  state[1] = b ^ third;
  state[0] = a ^ fourth;
  state[2] = third ^ (b << 9);
  state[3] = rotate(fourth, 11);
  return scrambled;
}

function rotate(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}

/** Spreads one number over the state by splitmix32, so that seeds 1 and 2 start far apart. */
function spread(seed: number): Uint32Array {
  let word = (seed ^ Math.floor(seed / 2 ** 32)) >>> 0;
  return Uint32Array.from({ length: 4 }, () => {
    word = (word + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(word ^ (word >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  });
}

/** Creates a generator from a seed of up to 53 bits. */
export function createRandom(seed: number): Random {
  const state = spread(seed);
  const next = () => xoshiro128(state) / 2 ** 32;
  return { next, int: (below) => Math.floor(next() * below) };
}
