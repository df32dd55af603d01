import { expect, test } from 'vitest';
import { StallGuard } from '../../../proxy/upstream/stall-guard.ts';

test('calls in time leave silence as it is', () => {
  const guard = new StallGuard(750);
  for (let nowMs = 10_000; nowMs < 20_000; nowMs += 700) {
    expect(guard.awakeSince(nowMs)).toBe(Number.NEGATIVE_INFINITY);
  }
});

test('after a stall silence counts from the first call that came late', () => {
  const guard = new StallGuard(750);
  guard.awakeSince(1000);
  expect(guard.awakeSince(9000)).toBe(9000);
  expect(guard.awakeSince(9250)).toBe(9000);
  expect(guard.awakeSince(9500)).toBe(9000);
});

test('a process that is late all the time suspects nobody', () => {
  const guard = new StallGuard(750);
  for (let nowMs = 0; nowMs < 20_000; nowMs += 900) {
    if (nowMs > 0) expect(guard.awakeSince(nowMs)).toBe(nowMs);
    else guard.awakeSince(nowMs);
  }
});
