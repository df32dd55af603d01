import { expect, test } from 'vitest';
import { interleave, median, percentile, spreadPercent } from '../../bench/statistics.ts';

test('the median is the middle, or the mean of the two in the middle', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([10, 1, 2, 3])).toBe(2.5);
  expect(median([])).toBeNaN();
});

test('a percentile is a value that was measured', () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect(percentile(values, 0.5)).toBe(50);
  expect(percentile(values, 0.99)).toBe(99);
  expect(percentile([7], 0.99)).toBe(7);
  expect(percentile([], 0.5)).toBeNaN();
});

test('numbers are ordered as numbers', () => {
  expect(percentile([2, 10, 9], 1)).toBe(10);
});

test('the spread is the distance of the extremes in percent of the median', () => {
  expect(spreadPercent([90, 100, 120])).toBeCloseTo(30);
});

test('rounds take all in turn, forwards and backwards', () => {
  expect(interleave(['A', 'B', 'C'], 2)).toEqual(['A', 'B', 'C', 'C', 'B', 'A']);
  expect(interleave(['A', 'B'], 3)).toEqual(['A', 'B', 'B', 'A', 'A', 'B']);
});
