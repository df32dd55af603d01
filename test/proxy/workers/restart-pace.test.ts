import { expect, test } from 'vitest';
import { RestartPace } from '../../../proxy/workers/restart-pace.ts';

test('a worker that dies again and again is started ever later, up to a bound', () => {
  const pace = new RestartPace();
  const delays = Array.from({ length: 9 }, () => pace.next(50));
  expect(delays).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
});

test('a worker that has lived for a minute is started again at once', () => {
  const pace = new RestartPace();
  for (let i = 0; i < 9; i++) pace.next(50);
  expect(pace.next(60_000)).toBe(100);
});
