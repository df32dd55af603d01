// By how much one sample lies above the other, and between what bounds.
import { studentQuantile, upperTail } from './normal.ts';
import { type Random, seededRandom } from './random.ts';

export interface Interval {
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
}

export interface IntervalOptions {
  /** 0.95 by default. */
  readonly confidence?: number;
  readonly resamples?: number;
  readonly seed?: number;
}

// The bounds of five runs in each arm are then the tenth value from either end.
const RESAMPLES = 2000;

/** Hodges and Lehmann's estimate: the median of all differences, second less first. */
export function hodgesLehmann(first: readonly number[], second: readonly number[]): number {
  return medianDifference(Float64Array.from(first), Float64Array.from(second));
}

/** The middle value, or the mean of the two that are in the middle; NaN of none. */
export function medianOf(values: Iterable<number>): number {
  return middleOf(Float64Array.from(values).sort());
}

/**
 * The shift with its bootstrap interval. Percentiles of resamples are too narrow for a handful of
 * runs, so the expanded form is taken (Hesterberg, What Teachers Should Know About the Bootstrap,
 * The American Statistician 69, 2015, section 4.3): as far out as Student's t would go.
 *
 * Samples that change places give the mirror image, to the last bit: which one is resampled first
 * depends on their values, not on which one is the baseline.
 */
export function shiftInterval(
  first: readonly number[],
  second: readonly number[],
  options: IntervalOptions = {},
): Interval {
  if (compareSamples(first, second) <= 0) return bootstrap(first, second, options);
  const { estimate, low, high } = bootstrap(second, first, options);
  return { estimate: -estimate, low: -high, high: -low };
}

function bootstrap(
  first: readonly number[],
  second: readonly number[],
  { confidence = 0.95, resamples = RESAMPLES, seed = 1 }: IntervalOptions,
): Interval {
  const random = seededRandom(seed);
  const pairs = sortedPairs(first, second);
  const shifts = new Float64Array(resamples);
  for (let index = 0; index < resamples; index += 1) {
    const firstTimes = drawTimes(first.length, random);
    const secondTimes = drawTimes(second.length, random);
    shifts[index] = weightedMiddle(pairs, firstTimes, secondTimes);
  }
  shifts.sort();
  const tail = expandedTail((1 - confidence) / 2, first.length, second.length);
  const skipped = Math.min(Math.floor(tail * resamples), Math.floor((resamples - 1) / 2));
  return {
    estimate: hodgesLehmann(first, second),
    low: shifts[skipped] ?? Number.NaN,
    high: shifts[resamples - 1 - skipped] ?? Number.NaN,
  };
}

/** One difference, and which value of each sample (lowest first) it is of. */
interface Pair {
  readonly difference: number;
  readonly first: number;
  readonly second: number;
}

function sortedPairs(first: readonly number[], second: readonly number[]): Pair[] {
  const from = [...Float64Array.from(first).sort()];
  const to = [...Float64Array.from(second).sort()];
  return from
    .flatMap((low, lowAt) =>
      to.map((high, highAt) => ({ difference: high - low, first: lowAt, second: highAt })),
    )
    .sort((a, b) => a.difference - b.difference);
}

/** How often each value of a sample is in a resample. */
function drawTimes(count: number, random: Random): Uint16Array {
  const times = new Uint16Array(count);
  for (let drawn = 0; drawn < count; drawn += 1) {
    const at = Math.floor(random() * count);
    times[at] = (times[at] ?? 0) + 1;
  }
  return times;
}

/** The median of a resample's differences, by one walk where sorting them anew would be slow. */
function weightedMiddle(
  pairs: readonly Pair[],
  firstTimes: Uint16Array,
  secondTimes: Uint16Array,
): number {
  const half = pairs.length / 2;
  let passed = 0;
  let lower: number | undefined;
  for (const { difference, first, second } of pairs) {
    passed += (firstTimes[first] ?? 0) * (secondTimes[second] ?? 0);
    if (lower !== undefined && passed > half) return (lower + difference) / 2;
    if (passed > half) return difference;
    // Exactly half lies at or below this one: the other middle value is the next that was drawn.
    if (passed === half) lower ??= difference;
  }
  return lower ?? Number.NaN;
}

/** How much to leave out at either end, so that the interval is as wide as t would have it. */
function expandedTail(tail: number, firstCount: number, secondCount: number): number {
  const fewest = Math.min(firstCount, secondCount);
  // One run says nothing of how runs spread; the whole range of resamples is all there is.
  if (fewest < 2) return 0;
  const freedom = firstCount + secondCount - 2;
  const quantile = studentQuantile(1 - tail, freedom);
  return upperTail(Math.sqrt(fewest / (fewest - 1)) * quantile);
}

function medianDifference(first: Float64Array, second: Float64Array): number {
  const differences = new Float64Array(first.length * second.length);
  let at = 0;
  for (const low of first) {
    for (const high of second) {
      differences[at] = high - low;
      at += 1;
    }
  }
  return middleOf(differences.sort());
}

function middleOf(sorted: Float64Array): number {
  const upper = Math.floor(sorted.length / 2);
  const middle = sorted[upper] ?? Number.NaN;
  if (sorted.length % 2 === 1) return middle;
  return ((sorted[upper - 1] ?? Number.NaN) + middle) / 2;
}

function compareSamples(first: readonly number[], second: readonly number[]): number {
  if (first.length !== second.length) return first.length - second.length;
  const left = Float64Array.from(first).sort();
  const right = Float64Array.from(second).sort();
  const at = left.findIndex((value, index) => value !== right[index]);
  return at < 0 ? 0 : (left[at] ?? 0) - (right[at] ?? 0);
}
