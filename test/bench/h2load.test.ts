import { expect, test } from 'vitest';
import { parseH2load, parseH2loadSummary } from '../../bench/wire/h2load.ts';

const OUTPUT = `finished in 1.01s, 2983.00 req/s, 5.95MB/s
requests: 2990 total, 2990 started, 2990 done, 2983 succeeded, 4 failed, 2 errored, 1 timeout
status codes: 2983 2xx, 0 3xx, 4 4xx, 0 5xx
traffic: 5.95MB (6237753) total, 72.83KB (74575) headers (space savings 55.36%), 5.83MB (6109184) data
`;

test('all that did not succeed has failed', () => {
  expect(parseH2loadSummary(OUTPUT)).toEqual({ succeeded: 2983, failed: 7, bodyBytes: 6109184 });
});

test('an output without a result is an error', () => {
  expect(() => parseH2loadSummary('Failed to connect')).toThrow('Failed to connect');
});

test('only answers that ended in the time asked for count', () => {
  const records = ['900\t200\t50', '900\t200\t100', '950\t503\t70', '1900\t200\t100', ''];
  expect(parseH2load(records.join('\n'), 1000, 2000)).toEqual({ latenciesMs: [0.1], wrong: 1 });
});
