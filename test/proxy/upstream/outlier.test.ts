import { expect, test } from 'vitest';
import {
  afterFailure,
  afterSuccess,
  mayEject,
  noOutlier,
  type OutlierPolicy,
  type OutlierState,
} from '../../../proxy/upstream/outlier.ts';

const policy: OutlierPolicy = {
  consecutiveFailures: 5,
  baseEjectionMs: 10_000,
  maxEjectionMs: 60_000,
  maxEjectedPercent: 50,
};

function fail(state: OutlierState, times: number, nowMs: number, may = true): OutlierState {
  let next = state;
  for (let i = 0; i < times; i++) next = afterFailure(next, policy, nowMs, may);
  return next;
}

test('five failures in a row eject, four do not', () => {
  expect(fail(noOutlier, 4, 1000).ejectedUntilMs).toBe(0);
  expect(fail(noOutlier, 5, 1000).ejectedUntilMs).toBe(11_000);
});

test('a success in between starts the count anew', () => {
  const state = fail(afterSuccess(fail(noOutlier, 4, 0)), 4, 0);
  expect(state.ejectedUntilMs).toBe(0);
});

test('each ejection is longer than the one before, up to the bound', () => {
  let state = noOutlier;
  let nowMs = 1000;
  const lengths: number[] = [];
  for (let round = 0; round < 8; round++) {
    state = fail(state, 5, nowMs);
    lengths.push(state.ejectedUntilMs - nowMs);
    nowMs = state.ejectedUntilMs + 1;
  }
  expect(lengths).toEqual([10, 20, 30, 40, 50, 60, 60, 60].map((seconds) => seconds * 1000));
});

test('good conduct is remembered: after a long quiet time an ejection is short again', () => {
  const often = fail(fail(noOutlier, 5, 0), 5, 20_000);
  const later = fail(often, 5, often.ejectedUntilMs + 10 * policy.maxEjectionMs);
  expect(later.ejections).toBe(1);
});

test('failures while ejected do not lengthen the ejection', () => {
  const state = fail(noOutlier, 5, 1000);
  expect(fail(state, 50, 2000).ejectedUntilMs).toBe(state.ejectedUntilMs);
});

test('nothing is ejected when the set cannot spare it', () => {
  expect(fail(noOutlier, 50, 1000, false).ejectedUntilMs).toBe(0);
});

test('ejection never empties the set and keeps to its share', () => {
  for (let total = 0; total <= 9; total++) {
    let ejected = 0;
    while (mayEject(policy, total, ejected)) ejected += 1;
    expect(ejected).toBeLessThanOrEqual(total / 2);
    if (total > 0) expect(ejected).toBeLessThan(total);
  }
  expect(mayEject({ ...policy, maxEjectedPercent: 100 }, 3, 2)).toBe(false);
});
