import { expect, test } from 'vitest';
import { type PlaceLoad, planMoves, planSwap } from '../../../proxy/watch/rebalance.ts';

const policy = { maxOverMean: 1.1, minDifference: 10, movesPerSecond: 50, settleMs: 5000 };

function loads(...watches: number[]): PlaceLoad[] {
  return watches.map((count) => ({
    available: true,
    watches: count,
    availableForMs: 60_000,
    unavailableForMs: 0,
  }));
}

test('after a restart the plans of some seconds bring the empty endpoint to its share', () => {
  const state = loads(500, 500, 0);
  let seconds = 0;
  for (; seconds < 60; seconds++) {
    const plans = planMoves(state, policy);
    if (plans.length === 0) break;
    for (const { from, to, count } of plans) {
      expect(count).toBeLessThanOrEqual(policy.movesPerSecond);
      const [source, target] = [state[from], state[to]];
      if (source === undefined || target === undefined) throw new Error('no such place');
      state[from] = { ...source, watches: source.watches - count };
      state[to] = { ...target, watches: target.watches + count };
    }
  }
  const counts = state.map(({ watches }) => watches);
  expect(Math.max(...counts) / (1000 / 3)).toBeLessThanOrEqual(1.1);
  expect(seconds).toBeLessThan(10);
});

test('a plan never overshoots the mean, whatever the counts are', () => {
  for (let seed = 1; seed < 500; seed++) {
    const state = loads(seed % 97, (seed * 31) % 211, (seed * 17) % 53);
    const mean = state.reduce((sum, { watches }) => sum + watches, 0) / 3;
    for (const { from, to, count } of planMoves(state, policy)) {
      expect((state[from]?.watches ?? 0) - count).toBeGreaterThanOrEqual(Math.floor(mean));
      expect((state[to]?.watches ?? 0) + count).toBeLessThanOrEqual(Math.ceil(mean));
    }
  }
});

test('small differences are left alone', () => {
  expect(planMoves(loads(9, 0, 0), policy)).toEqual([]);
  expect(planMoves(loads(1000, 990, 960), policy)).toEqual([]);
});

test('nothing moves while an endpoint has only just become available', () => {
  const [first, second] = loads(500, 0);
  if (first === undefined || second === undefined) throw new Error('two loads');
  expect(planMoves([first, { ...second, availableForMs: 4000 }], policy)).toEqual([]);
  expect(planMoves([first, { ...second, availableForMs: 5000 }], policy)).toHaveLength(1);
});

test('an endpoint that leaves is emptied, even into one that is fresh', () => {
  const [leaving, fresh] = loads(120, 3);
  if (leaving === undefined || fresh === undefined) throw new Error('two loads');
  const plans = planMoves(
    [
      { ...leaving, available: false, unavailableForMs: 5000 },
      { ...fresh, availableForMs: 10 },
    ],
    policy,
  );
  expect(plans).toEqual([{ from: 0, to: 1, count: 50, reason: 'leaving' }]);
});

test('an endpoint that has only just left is not emptied yet: it may only be busy', () => {
  const [leaving, other] = loads(120, 3);
  if (leaving === undefined || other === undefined) throw new Error('two loads');
  const away = { ...leaving, available: false, unavailableForMs: 4999 };
  expect(planMoves([away, other], policy)).toEqual([]);
});

test('with no endpoint available nothing is planned', () => {
  expect(
    planMoves(
      loads(10, 0).map((load) => ({ ...load, available: false })),
      policy,
    ),
  ).toEqual([]);
  expect(planMoves([], policy)).toEqual([]);
});

const MIB = 1024 * 1024;

test('where one endpoint brings far more than the mean, a heavy watch is to be swapped', () => {
  expect(planSwap(loads(10, 10, 10), [9 * MIB, 2 * MIB, MIB], policy)).toEqual({
    from: 0,
    to: 2,
    maxRate: 4 * MIB,
  });
});

test.each([
  ['rates are near the mean', [3 * MIB, 2 * MIB, 2 * MIB]],
  ['little is brought at all', [100_000, 1000, 1000]],
  ['nothing is brought', [0, 0, 0]],
])('nothing is swapped while %s', (_, rates) => {
  expect(planSwap(loads(10, 10, 10), rates, policy)).toBeUndefined();
});

test('nothing is swapped with an endpoint that is away or has just come back', () => {
  const state = loads(10, 10, 10);
  const [first, second, third] = state;
  if (first === undefined || second === undefined || third === undefined) throw new Error('three');
  const rates = [9 * MIB, 2 * MIB, MIB];
  const away = planSwap([first, second, { ...third, available: false }], rates, policy);
  expect(away?.to).toBe(1);
  expect(planSwap([first, second, { ...third, availableForMs: 10 }], rates, policy)).toBe(
    undefined,
  );
  expect(planSwap([], [], policy)).toBeUndefined();
});
