// Against published figures: the examples of R's help pages, which have them from Hollander and
// Wolfe, Nonparametric Statistical Methods, and tables of the distributions.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { adjustHolm } from '../../../loadtests/gate/holm.ts';
import { normalQuantile, studentQuantile, upperTail } from '../../../loadtests/gate/normal.ts';
import { fewestRuns, pooledSpread, runsToDecide } from '../../../loadtests/gate/power.ts';
import { nextNormal, seededRandom } from '../../../loadtests/gate/random.ts';
import { mannWhitney, normalTest, smallestP } from '../../../loadtests/gate/rank-sum.ts';
import { hodgesLehmann, shiftInterval } from '../../../loadtests/gate/shift.ts';

// ?wilcox.test: permeability constants of the human chorioamnion.
const AT_TERM = [0.8, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
const EARLY = [1.15, 0.88, 0.9, 0.74, 1.21];
// ?wilcox.test: datasets::airquality, ozone in May and in August, without the days not measured.
const MAY = [
  41, 36, 12, 18, 28, 23, 19, 8, 7, 16, 11, 14, 18, 14, 34, 6, 30, 11, 1, 11, 4, 32, 23, 45, 115,
  37,
];
const AUGUST = [
  39, 9, 16, 78, 35, 66, 122, 89, 110, 44, 28, 65, 22, 59, 23, 31, 44, 21, 9, 45, 168, 73, 76, 118,
  84, 85,
];

test('the exact test gives what R documents for the chorioamnion', () => {
  const result = mannWhitney(AT_TERM, EARLY);
  // wilcox.test(x, y, alternative = "g"): W = 35, p-value = 0.1272, one-sided.
  expect(result).toMatchObject({ u: 35, method: 'exact' });
  expect(result.p).toBeCloseTo(2 * 0.1272, 4);
  expect(hodgesLehmann(EARLY, AT_TERM)).toBeCloseTo(0.305, 10);
});

test('the normal approximation gives what R documents for ozone, with its ties', () => {
  const result = mannWhitney(MAY, AUGUST);
  // wilcox.test(Ozone ~ Month, subset = Month %in% c(5, 8)): W = 127.5, p-value = 0.0001208.
  expect(result).toMatchObject({ u: 127.5, method: 'normal' });
  expect(result.p).toBeCloseTo(0.0001208, 7);
});

test('ties are counted exactly where the samples are small', () => {
  // Ranks 1, 3, 3, 3, 5.5, 5.5: of 20 choices of three, the three with 1, 3, 3 sum to 7 or less.
  expect(mannWhitney([1, 2, 2], [2, 3, 3]).p).toBeCloseTo((2 * 3) / 20, 12);
  expect(mannWhitney([4, 4, 4, 4], [4, 4, 4, 4])).toMatchObject({ p: 1, u: 8 });
  expect(normalTest([4, 4], [4, 4]).p).toBe(1);
});

test('the smallest p that can be reached is the one that benchstat documents', () => {
  const found = [3, 4, 5, 6].map((runs) => smallestP(runs, runs));
  expect(found.map((p) => p.toFixed(4))).toEqual(['0.1000', '0.0286', '0.0079', '0.0022']);
  for (const runs of [3, 4, 5, 6]) {
    const low = Array.from({ length: runs }, (_, index) => index);
    const high = low.map((value) => value + 100);
    expect(mannWhitney(low, high).p).toBeCloseTo(smallestP(runs, runs), 12);
  }
  expect([fewestRuns(1, 0.05), fewestRuns(6, 0.05), fewestRuns(20, 0.05)]).toEqual([4, 5, 6]);
});

test('exact and approximate p agree where both can be had', () => {
  const values = fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 15, maxLength: 20 });
  fc.assert(
    fc.property(values, values, (first, second) => {
      expect(Math.abs(mannWhitney(first, second).p - normalTest(first, second).p)).toBeLessThan(
        0.03,
      );
    }),
    { numRuns: 50 },
  );
});

test('Holm corrects as p.adjust of R does', () => {
  expect(adjustHolm([0.04, 0.01, 0.03, 0.02]).map((p) => p.toFixed(2))).toEqual([
    '0.06',
    '0.04',
    '0.06',
    '0.06',
  ]);
  expect(adjustHolm([0.9, 0.8])).toEqual([1, 1]);
  expect(adjustHolm([])).toEqual([]);
});

test('the distributions are those of the tables', () => {
  expect(upperTail(1.959964)).toBeCloseTo(0.025, 8);
  expect(upperTail(-1)).toBeCloseTo(0.8413447461, 9);
  expect(upperTail(6) / 9.865876e-10).toBeCloseTo(1, 5);
  expect(normalQuantile(0.975)).toBeCloseTo(1.959963985, 8);
  expect(studentQuantile(0.975, 8)).toBeCloseTo(2.306, 2);
  expect(studentQuantile(0.975, 4)).toBeCloseTo(2.776, 1);
  expect(studentQuantile(0.95, 30)).toBeCloseTo(1.6973, 4);
});

test('the interval of a shift holds the true one nineteen times in twenty', () => {
  // Normal(10, 1) and Normal(12, 1) by quantiles would be too regular: chance, with its seed.
  let held = 0;
  const trials = 300;
  for (let trial = 0; trial < trials; trial += 1) {
    const { first, second } = normalPair(trial, 6);
    const { low, high } = shiftInterval(first, second, { resamples: 1000, seed: trial });
    if (low <= 2 && high >= 2) held += 1;
  }
  expect(held / trials).toBeGreaterThan(0.92);
  expect(held / trials).toBeLessThan(0.99);
});

test('samples that change places give the mirror image of the interval', () => {
  const sample = fc.array(fc.double({ min: -50, max: 50, noNaN: true }), {
    minLength: 1,
    maxLength: 8,
  });
  fc.assert(
    fc.property(sample, sample, (first, second) => {
      const there = shiftInterval(first, second, { resamples: 200 });
      const back = shiftInterval(second, first, { resamples: 200 });
      expect(back.low + there.high).toBe(0);
      expect(back.high + there.low).toBe(0);
    }),
    { numRuns: 60 },
  );
});

test('as many runs are asked for as the spread makes necessary', () => {
  const base = { shift: 0, tolerance: 0.1, metricCount: 1, alpha: 0.05 };
  expect(runsToDecide({ ...base, spread: 0.01 })).toBe(4);
  // By hand: 2 (t s / room)^2 / 0.955 = 2 (2.05 * 0.2 / 0.1)^2 / 0.955 = 35 with t of 60 and more.
  expect(runsToDecide({ ...base, spread: 0.2 })).toBeGreaterThan(31);
  expect(runsToDecide({ ...base, spread: 0.2 })).toBeLessThan(38);
  expect(runsToDecide({ ...base, shift: 0.1, spread: 0.2 })).toBeUndefined();
  expect(pooledSpread([1, 3], [11, 13])).toBeCloseTo(Math.SQRT2, 12);
});

function normalPair(seed: number, count: number): { first: number[]; second: number[] } {
  const random = seededRandom(seed + 1);
  const draw = (mean: number): number[] =>
    Array.from({ length: count }, () => mean + nextNormal(random));
  return { first: draw(10), second: draw(12) };
}
