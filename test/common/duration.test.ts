import { expect, test } from 'vitest';
import { formatDuration, parseDuration } from '../../common/duration.ts';

test.each([
  ['0', 0],
  ['0s', 0],
  ['250ms', 250],
  ['1s', 1000],
  ['1.5s', 1500],
  ['5m', 300_000],
  ['1h30m', 5_400_000],
  ['1h1m1s1ms', 3_661_001],
])('%s is %d ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each(['', '1', '30', '-1s', '1 s', ' 1s', '1s ', '1d', '1sm', 's', '1e3s', '1s-2s', '9e99h'])(
  'refuses %j',
  (text) => {
    expect(parseDuration(text)).toBeUndefined();
  },
);

test('refuses a sum that a number cannot hold', () => {
  expect(parseDuration(`${'9'.repeat(20)}h`)).toBeUndefined();
});

test.each([
  [0, '0s'],
  [1, '1ms'],
  [1500, '1s500ms'],
  [90_000, '1m30s'],
  [3_600_000, '1h'],
  [-1000, '-1s'],
])('writes %d ms as %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test('what is written reads back as the same number', () => {
  for (let ms = 0; ms < 10_000_000; ms = ms * 3 + 7) {
    expect(parseDuration(formatDuration(ms))).toBe(ms);
  }
});
