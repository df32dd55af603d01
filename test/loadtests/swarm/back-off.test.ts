import { expect, test } from 'vitest';
import { ReflectorBackOff } from '../../../loadtests/swarm/back-off.ts';

test('waits as client-go does: doubled from 800 ms to 30 s, and up to twice as long by chance', () => {
  const backOff = new ReflectorBackOff();
  const waits = Array.from({ length: 8 }, (_, index) => backOff.next(index, 0));
  expect(waits).toEqual([800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
  expect(backOff.next(9, 0.5)).toBe(45_000);
});

test('begins anew when nothing has failed for two minutes, and not before', () => {
  const backOff = new ReflectorBackOff();
  expect(backOff.next(0, 0)).toBe(800);
  expect(backOff.next(120_000, 0)).toBe(1600);
  expect(backOff.next(240_001, 0)).toBe(800);
});
