import { expect, test } from 'vitest';
import { resultTable, summarize } from '../../bench/summary.ts';

const sample = { requestsPerSecond: 1000, p50Ms: 1, p99Ms: 2, errors: 0 };

test('a summary is made of medians, and of the sum of errors', () => {
  const samples = [
    { ...sample, cpuMicrosPerRequest: 30, errors: 1 },
    { ...sample, cpuMicrosPerRequest: 20, requestsPerSecond: 1100, errors: 2 },
    { ...sample, cpuMicrosPerRequest: 90, requestsPerSecond: 900 },
  ];
  expect(summarize({ name: 'door', samples })).toEqual({
    subject: 'door',
    requestsPerSecond: 1000,
    spreadPercent: 20,
    p50Ms: 1,
    p99Ms: 2,
    cpuMicrosPerRequest: 30,
    cpuSpreadPercent: expect.closeTo(233.3, 1),
    errors: 3,
    samples,
  });
});

test('the table shows a dash where no processor time was counted, and what was not run', () => {
  const lines = resultTable(
    [summarize({ name: 'direct', samples: [sample] })],
    [{ name: 'apiservers', reason: 'no etcd in .tools/bin' }],
  );
  expect(lines[2]?.split(/ {2,}/)).toEqual([
    'direct',
    '1000',
    '0.0',
    '1.00',
    '2.00',
    '-',
    '0',
    '1',
  ]);
  expect(lines.at(-1)).toBe('apiservers: not run: no etcd in .tools/bin');
});
