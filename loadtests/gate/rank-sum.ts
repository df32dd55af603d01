// The Mann-Whitney test (Wilcoxon's rank sum) in the form and with the rules of R's wilcox.test;
// ties are exact here too, where R falls back to the normal distribution.
import { upperTail } from './normal.ts';

export interface RankSumTest {
  /** How often a value of the first sample is above one of the second; a tie counts one half. */
  readonly u: number;
  /** Two-sided. */
  readonly p: number;
  readonly method: 'exact' | 'normal';
}

// R's limit is 50 in each sample. Up to here all counts are whole numbers that a double holds.
const MAX_EXACT_VALUES = 50;

/** Whether the two samples come from one distribution. Both need a value at least. */
export function mannWhitney(first: readonly number[], second: readonly number[]): RankSumTest {
  const exact = first.length + second.length <= MAX_EXACT_VALUES;
  return exact ? exactTest(first, second) : normalTest(first, second);
}

/** By all ways to deal the ranks to the two samples, tied ones included. */
function exactTest(first: readonly number[], second: readonly number[]): RankSumTest {
  const ranks = doubledRanks(first, second);
  const observed = sumOf(ranks.slice(0, first.length));
  const ways = countSubsets(ranks, first.length);
  let below = 0;
  let above = 0;
  let all = 0;
  for (const [sum, count] of ways.entries()) {
    all += count;
    if (sum <= observed) below += count;
    if (sum >= observed) above += count;
  }
  const p = Math.min(1, (2 * Math.min(below, above)) / all);
  return { u: uOf(observed, first.length), p, method: 'exact' };
}

/** With the corrections for ties and for continuity, as wilcox.test has them. */
export function normalTest(first: readonly number[], second: readonly number[]): RankSumTest {
  const ranks = doubledRanks(first, second);
  const u = uOf(sumOf(ranks.slice(0, first.length)), first.length);
  const count = ranks.length;
  const pairs = first.length * second.length;
  const tied = tieSizes(ranks).reduce((sum, size) => sum + size ** 3 - size, 0);
  const variance = (pairs / 12) * (count + 1 - tied / (count * (count - 1)));
  // All values are one: there is nothing to tell apart.
  if (variance <= 0) return { u, p: 1, method: 'normal' };
  const distance = Math.max(0, Math.abs(u - pairs / 2) - 0.5);
  const p = Math.min(1, 2 * upperTail(distance / Math.sqrt(variance)));
  return { u, p, method: 'normal' };
}

/** The smallest p that samples of these sizes can have: all of one above all of the other. */
export function smallestP(firstCount: number, secondCount: number): number {
  let ways = 1;
  for (let step = 1; step <= firstCount; step += 1) ways *= (secondCount + step) / step;
  return Math.min(1, 2 / ways);
}

/** Twice the rank of each value, first sample first: mean ranks of ties are halves. */
function doubledRanks(first: readonly number[], second: readonly number[]): number[] {
  const values = [...first, ...second];
  return values.map((value) => {
    const below = values.filter((other) => other < value).length;
    const equal = values.filter((other) => other === value).length;
    return 2 * below + equal + 1;
  });
}

/** At index s: how many choices of `size` of the ranks have the sum s. */
function countSubsets(ranks: readonly number[], size: number): readonly number[] {
  const width = sumOf(ranks) + 1;
  const bySize = Array.from({ length: size + 1 }, () => new Float64Array(width));
  const none = bySize[0];
  if (none !== undefined) none[0] = 1;
  for (const rank of ranks) {
    // From the largest down, so that no rank is dealt twice.
    for (let chosen = size; chosen >= 1; chosen -= 1) {
      addShifted(bySize[chosen], bySize[chosen - 1], rank);
    }
  }
  return [...(bySize[size] ?? [])];
}

function addShifted(
  to: Float64Array | undefined,
  from: Float64Array | undefined,
  shift: number,
): void {
  if (to === undefined || from === undefined) return;
  for (let sum = shift; sum < to.length; sum += 1) {
    to[sum] = (to[sum] ?? 0) + (from[sum - shift] ?? 0);
  }
}

function tieSizes(ranks: readonly number[]): number[] {
  const sizes = new Map<number, number>();
  for (const rank of ranks) sizes.set(rank, (sizes.get(rank) ?? 0) + 1);
  return [...sizes.values()];
}

function uOf(doubledRankSum: number, count: number): number {
  return doubledRankSum / 2 - (count * (count + 1)) / 2;
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
