import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LatencyHistogram } from '../../loadtests/histogram.ts';

function histogramOf(values: readonly number[]): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

const LATENCIES = fc.array(fc.integer({ min: 1, max: 60_000_000 }), { minLength: 1 });

test('a percentile is within 0.1 % of the sample that it stands for', () => {
  fc.assert(
    fc.property(LATENCIES, fc.integer({ min: 1, max: 100 }), (values, percent) => {
      const sorted = values.toSorted((a, b) => a - b);
      const exact = sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] as number;
      const found = histogramOf(values).percentileUs(percent);
      expect(Math.abs(found - exact)).toBeLessThanOrEqual(Math.max(1, exact / 1000));
    }),
  );
});

test('parts that are added up, through their text, are the whole', () => {
  fc.assert(
    fc.property(LATENCIES, LATENCIES, (one, other) => {
      const sum = LatencyHistogram.decode(histogramOf(one).encode());
      sum.add(LatencyHistogram.decode(histogramOf(other).encode()));
      const whole = histogramOf([...one, ...other]);
      expect(sum.count).toBe(whole.count);
      for (const percent of [0, 50, 99, 100]) {
        expect(sum.percentileUs(percent)).toBe(whole.percentileUs(percent));
      }
    }),
  );
});

test('what takes longer than an hour, or less than nothing, is counted at the edge', () => {
  const histogram = histogramOf([-5, 7_200_000_000]);
  expect(histogram.count).toBe(2);
  expect(histogram.percentileUs(1)).toBe(0);
  expect(histogram.percentileUs(100)).toBeGreaterThan(3_500_000_000);
});

test('text that is no histogram is refused', () => {
  expect(() => LatencyHistogram.decode('bm9uc2Vuc2U=')).toThrow();
});
