import { expect, test } from 'vitest';
import { FloodGuard } from '../../../proxy/http2/flood-guard.ts';

function guardAt(startMs: number) {
  const clock = { nowMs: startMs };
  const limits = { resets: { burst: 10, perSecond: 2 }, idleFrames: { burst: 5, perSecond: 100 } };
  const guard = new FloodGuard(limits, () => clock.nowMs);
  /** How many of `wanted` resets are let through. */
  const resets = (wanted: number) => {
    for (let done = 0; done < wanted; done++) {
      try {
        guard.reset();
      } catch {
        return done;
      }
    }
    return wanted;
  };
  return { clock, guard, resets };
}

test.each([0, 5_000_000])('a burst is let through and no more, at clock %i', (startMs) => {
  expect(guardAt(startMs).resets(100)).toBe(10);
});

test('after a burst the rate per second holds', () => {
  const { clock, resets } = guardAt(0);
  resets(100);
  clock.nowMs += 1000;
  expect(resets(100)).toBe(2);
  clock.nowMs += 400;
  expect(resets(100)).toBe(0);
  clock.nowMs += 100;
  expect(resets(100)).toBe(1);
});

test('a long pause allows one more burst, not more', () => {
  const { clock, resets } = guardAt(0);
  resets(10);
  clock.nowMs += 3_600_000;
  expect(resets(100)).toBe(10);
});

test('a peer that stays below the rate is never stopped', () => {
  const { clock, guard } = guardAt(0);
  for (let second = 0; second < 1000; second++) {
    guard.reset();
    guard.reset();
    clock.nowMs += 1000;
  }
});

test('the limits are separate, and say what was too much', () => {
  const { guard, resets } = guardAt(0);
  expect(resets(100)).toBe(10);
  for (let i = 0; i < 5; i++) guard.idleFrame();
  expect(() => guard.idleFrame()).toThrow('ENHANCE_YOUR_CALM: too many frames without purpose');
  expect(() => guard.reset()).toThrow('ENHANCE_YOUR_CALM: too many streams reset');
});
