// Numbers by chance that come again with the same seed: a verdict must not change when it is asked
// for twice.

/** From 0 up to, not including, 1. */
export type Random = () => number;

/** Mulberry32 of Tommy Ettinger: 32 bits of state are plenty for some thousand resamples. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One of the standard normal distribution, by Box and Muller. */
export function nextNormal(random: Random): number {
  // 1 - u is never 0, whose logarithm has no value.
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
