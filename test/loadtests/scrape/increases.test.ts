import { expect, test } from 'vitest';
import { BucketHistogram, Counted, Increases } from '../../../loadtests/scrape/increases.ts';
import { parsePrometheusText } from '../../../loadtests/scrape/prometheus-text.ts';

const NAMES = new Set(['requests_total', 'wait_seconds_bucket', 'size_bytes']);

function parse(text: string) {
  return parsePrometheusText(text, NAMES);
}

test('series are read with their labels, and what nobody asked for is left out', () => {
  const text = [
    '# HELP requests_total All of them.',
    '# TYPE requests_total counter',
    'requests_total{verb="GET",path="a \\"b\\", \\\\ {c} 1"} 1.5e+03',
    'requests_total_of_others{verb="GET"} 7',
    'size_bytes 12',
    'other 3',
    'wait_seconds_bucket{le="+Inf"} +Inf',
    '',
  ].join('\n');
  expect(parse(text).map(({ name, labels, value }) => [name, labels, value])).toEqual([
    ['requests_total', { verb: 'GET', path: 'a "b", \\ {c} 1' }, 1500],
    ['size_bytes', {}, 12],
    // As Number reads it: no count is infinite, and none is silently zero.
    ['wait_seconds_bucket', { le: '+Inf' }, Number.NaN],
  ]);
});

test('what was counted before the first look is nobody’s, what appears later is counted whole', () => {
  const counted = new Counted();
  expect(counted.grow(parse('requests_total{verb="GET"} 100'), 1)).toEqual([]);
  const text = 'requests_total{verb="GET"} 130\nrequests_total{verb="PUT"} 5';
  expect(counted.grow(parse(text), 1).map(({ by }) => by)).toEqual([30, 5]);
});

test('a process that was replaced has begun at zero, however far it has come', () => {
  const counted = new Counted();
  counted.grow(parse('requests_total 100'), 1);
  expect(counted.grow(parse('requests_total 120'), 2).map(({ by }) => by)).toEqual([120]);
  expect(counted.grow(parse('requests_total 3'), 3).map(({ by }) => by)).toEqual([3]);
  expect(counted.grow(parse('requests_total 5'), 3).map(({ by }) => by)).toEqual([2]);
});

test('increases of several processes are added up, and picked by labels', () => {
  const increases = new Increases();
  for (const text of ['requests_total{verb="GET"} 10', 'requests_total{verb="GET"} 7']) {
    const counted = new Counted();
    counted.grow([], 1);
    for (const grown of counted.grow(parse(text), 1)) increases.add(grown);
  }
  expect(increases.sum('requests_total')).toBe(17);
  expect(increases.sum('requests_total', ({ verb }) => verb === 'PUT')).toBe(0);
  expect(increases.values('requests_total', 'verb')).toEqual(['GET']);
});

// The examples of histogram_quantile in prometheus promql/promqltest/testdata/histograms.test:
// testhistogram3 {start="positive"}.
test.each([
  [0, 0],
  [0.25, 0.05],
  [0.5, 0.1],
  [1, 0.2],
])('quantile %d is %d, as Prometheus interpolates', (share, expected) => {
  const histogram = new BucketHistogram(
    new Map([
      [0.1, 50],
      [0.2, 100],
      [Infinity, 100],
    ]),
  );
  expect(histogram.quantile(share)).toBeCloseTo(expected, 10);
});

test('above the highest bound there is only that bound, and nothing gives 0', () => {
  const above = new BucketHistogram(
    new Map([
      [1, 1],
      [Infinity, 100],
    ]),
  );
  expect(above.quantile(0.99)).toBe(1);
  expect(new BucketHistogram(new Map()).quantile(0.99)).toBe(0);
  expect(new BucketHistogram(new Map()).count).toBe(0);
});
