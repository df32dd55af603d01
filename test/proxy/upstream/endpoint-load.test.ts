import { expect, test } from 'vitest';
import { EndpointLoad } from '../../../proxy/upstream/endpoint-load.ts';

test('a failure counts as load, and half of it is forgotten each second', () => {
  const load = new EndpointLoad();
  for (let i = 0; i < 8; i++) load.failed(1000);
  expect([1000, 2000, 3000, 4000].map((nowMs) => load.penaltyAt(nowMs))).toEqual([8, 4, 2, 1]);
});

test('a failure is forgotten altogether: a trace of it would lose every tie for minutes', () => {
  const load = new EndpointLoad();
  load.failed(0);
  expect(load.penaltyAt(3000)).toBeGreaterThan(0);
  expect(load.penaltyAt(4000)).toBe(0);
});

test('a storm of failures is forgotten within seconds, not minutes', () => {
  const load = new EndpointLoad();
  for (let i = 0; i < 1_000_000; i++) load.failed(0);
  expect(load.penaltyAt(15_000)).toBe(0);
});
