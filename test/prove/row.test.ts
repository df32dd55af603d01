import { expect, test } from 'vitest';
import { atLeast, atMost, holds, isProven, measured, notRun } from '../../prove/row.ts';

const good = holds('a', 'b', 'c', true);

test('a floor is reached by a figure that equals it', () => {
  const quantity = { what: 'requests', value: 150, unit: 'requests' };
  expect(atLeast(quantity, 150)).toMatchObject({ verdict: 'pass', floor: '>= 150 requests' });
  expect(atLeast(quantity, 151).verdict).toBe('SHORT');
  expect(atMost(quantity, 150).verdict).toBe('pass');
  expect(atMost(quantity, 149).verdict).toBe('SHORT');
});

test('a figure that is no number reaches no floor', () => {
  const quantity = { what: 'spread', value: Number.NaN, unit: '%' };
  expect(atLeast(quantity, 0).verdict).toBe('SHORT');
  expect(atMost(quantity, 20).verdict).toBe('SHORT');
});

test('a scenario is proven when every row with a floor passes', () => {
  const figure = measured({ what: 'relists', value: 3, unit: '' });
  expect(isProven([good, figure])).toBe(true);
  expect(isProven([good, holds('a', 'b', 'c', false)])).toBe(false);
  expect(isProven([good, notRun('a', 'b', 'no Go')])).toBe(false);
});

test('a scenario without any row that passes is not proven', () => {
  expect(isProven([])).toBe(false);
  expect(isProven([measured({ what: 'relists', value: 0, unit: '' })])).toBe(false);
});
