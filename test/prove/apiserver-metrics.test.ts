import { expect, test } from 'vitest';
import {
  largestDeviationPercent,
  parseSamples,
  sumSamples,
} from '../../prove/apiserver-metrics.ts';

const TEXT = `# HELP apiserver_request_total Counter of apiserver requests.
# TYPE apiserver_request_total counter
apiserver_request_total{code="200",resource="configmaps",verb="GET"} 12
apiserver_request_total{code="404",resource="configmaps",verb="GET"} 3
apiserver_request_total{code="200",resource="secrets",verb="GET"} 1e+06
quoted{text="a \\"b\\", c=\\"d\\" {e} 5"} 7
process_start_time_seconds 1.79e+09
`;

test('samples are read with their labels and values', () => {
  const samples = parseSamples(TEXT);
  expect(samples).toHaveLength(5);
  expect(samples[3]?.labels).toEqual({ text: 'a \\"b\\", c=\\"d\\" {e} 5' });
  expect(samples[4]).toEqual({ name: 'process_start_time_seconds', labels: {}, value: 1.79e9 });
});

test('samples that have the labels are added up', () => {
  const samples = parseSamples(TEXT);
  expect(sumSamples(samples, 'apiserver_request_total', { resource: 'configmaps' })).toBe(15);
  expect(sumSamples(samples, 'apiserver_request_total', { verb: 'GET', code: '200' })).toBe(
    1000012,
  );
  expect(sumSamples(samples, 'apiserver_request_total', { verb: 'LIST' })).toBe(0);
});

test.each([
  [[100, 100, 100], 0],
  [[80, 100, 120], 20],
  [[0, 100, 200], 100],
  [[], Number.POSITIVE_INFINITY],
  [[0, 0, 0], Number.POSITIVE_INFINITY],
])('the largest deviation of %j from the mean is %d percent', (counts, percent) => {
  expect(largestDeviationPercent(counts)).toBeCloseTo(percent);
});
