/** Numbers that look random and are a function of a seed: the same request gets the same answer. */

/** `next(bound)`: a whole number from 0 up to, not including, `bound`. Marsaglia's xorshift with 32 bits. */
export type SeededRandom = (bound: number) => number;

/** `seed`: hexadecimal digits, of which the first eight count. */
export function seededRandom(seed: string): SeededRandom {
  let state = Number.parseInt(seed.slice(0, 8), 16) || 1;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}
