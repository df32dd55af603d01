import { expect, test } from 'vitest';
import { type Candidate, pick, slowStartWeight } from '../../../proxy/upstream/picker.ts';

const LONG_AGO_MS = 3_600_000;
const SLOW_START_MS = 30_000;

function candidate(change: Partial<Candidate> = {}): Candidate {
  return { available: true, load: 0, penalty: 0, availableForMs: LONG_AGO_MS, ...change };
}

function pickMany(candidates: Candidate[], times: number): number[] {
  const counts = candidates.map(() => 0);
  for (let turn = 0; turn < times; turn++) {
    const index = pick(candidates, [], turn, SLOW_START_MS);
    counts[index] = (counts[index] ?? 0) + 1;
    candidates[index] = {
      ...candidates[index],
      load: (candidates[index]?.load ?? 0) + 1,
    } as Candidate;
  }
  return counts;
}

test('the least loaded endpoint is picked, whatever its place in the list', () => {
  for (const least of [0, 1, 2]) {
    const candidates = [0, 1, 2].map((index) => candidate({ load: index === least ? 3 : 4 }));
    for (let turn = 0; turn < 3; turn++) expect(pick(candidates, [], turn, 0)).toBe(least);
  }
});

test('equal endpoints take turns', () => {
  const candidates = [candidate(), candidate(), candidate()];
  const picks = [0, 1, 2, 3, 4, 5].map((turn) => pick(candidates, [], turn, SLOW_START_MS));
  expect(picks).toEqual([0, 1, 2, 0, 1, 2]);
});

test('an endpoint that is unavailable or was tried is never picked', () => {
  // Every combination of three endpoints, each available or not and tried or not.
  for (let bits = 0; bits < 64; bits++) {
    const candidates = [0, 1, 2].map((i) => candidate({ available: ((bits >> i) & 1) === 1 }));
    const tried = [0, 1, 2].filter((i) => ((bits >> (3 + i)) & 1) === 1);
    const index = pick(candidates, tried, bits, SLOW_START_MS);
    const possible = [0, 1, 2].filter((i) => candidates[i]?.available && !tried.includes(i));
    if (possible.length === 0) expect(index).toBe(-1);
    else expect(possible).toContain(index);
  }
});

test('load that nobody finishes spreads evenly', () => {
  expect(pickMany([candidate(), candidate(), candidate()], 300)).toEqual([100, 100, 100]);
});

test('an endpoint that answers 429 at once does not draw the traffic to itself', () => {
  const failing = candidate({ load: 0, penalty: 50 });
  expect(pick([candidate({ load: 10 }), failing], [], 0, SLOW_START_MS)).toBe(0);
});

/** Requests that end before the next one is picked: load is always nothing. */
function pickInTurn(candidates: readonly Candidate[], times: number): number[] {
  const counts = candidates.map(() => 0);
  for (let turn = 0; turn < times; turn++) {
    const index = pick(candidates, [], turn, SLOW_START_MS);
    counts[index] = (counts[index] ?? 0) + 1;
  }
  return counts;
}

test('a fresh endpoint gets a small share at first, more with time, and its full share at the end', () => {
  const shares = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const fresh = candidate({ availableForMs: part * SLOW_START_MS });
    return (pickInTurn([candidate(), fresh], 1000)[1] ?? 0) / 1000;
  });
  expect(shares[0]).toBeGreaterThan(0.03);
  expect(shares[0]).toBeLessThan(0.15);
  for (let i = 1; i < shares.length; i++) {
    expect(shares[i]).toBeGreaterThan(shares[i - 1] ?? 1);
  }
  expect(shares[4]).toBeCloseTo(0.5, 2);
});

test('loads within the band count as equal, and a real difference does not', () => {
  const candidates = [candidate({ load: 3 }), candidate({ load: 2 }), candidate({ load: 4 })];
  const picks = [0, 1, 2, 3].map((turn) => pick(candidates, [], turn, SLOW_START_MS, 1));
  expect(picks).toEqual([0, 1, 0, 0]);
  expect([0, 1, 2, 3].map((turn) => pick(candidates, [], turn, SLOW_START_MS, 0))).toEqual([
    1, 1, 1, 1,
  ]);
});

test('while one endpoint is away the others share its turns evenly', () => {
  // Turns went round all three, and the one behind the absent endpoint got two thirds.
  for (const absent of [0, 1, 2]) {
    const candidates = [0, 1, 2].map((index) => candidate({ available: index !== absent }));
    const counts = pickInTurn(candidates, 100).filter((_, index) => index !== absent);
    expect(counts).toEqual([50, 50]);
  }
});

test('a fresh endpoint without a watch does not get all new watches at once', () => {
  const counts = pickMany([candidate({ load: 100 }), candidate({ availableForMs: 0 })], 100);
  expect(counts[1]).toBeGreaterThan(5);
  expect(counts[1]).toBeLessThan(20);
});

test('a fresh endpoint is picked when there is no other', () => {
  const fresh = candidate({ availableForMs: 0 });
  const candidates = [candidate({ available: false, availableForMs: LONG_AGO_MS }), fresh];
  for (let turn = 0; turn < 20; turn++) expect(pick(candidates, [], turn, SLOW_START_MS)).toBe(1);
  const both = [candidate(), fresh];
  for (let turn = 0; turn < 20; turn++) expect(pick(both, [0], turn, SLOW_START_MS)).toBe(1);
});

test('endpoints that became ready at nearly one time share evenly from the start', () => {
  // What the door sees in its first second: health checks that end some milliseconds apart.
  const ages = [52, 49, 47].map((availableForMs) => candidate({ availableForMs }));
  expect(pickInTurn(ages, 60)).toEqual([20, 20, 20]);
});

test('with every endpoint fresh nobody holds back', () => {
  const fresh = candidate({ availableForMs: 0 });
  expect(pickMany([fresh, fresh, fresh], 30)).toEqual([10, 10, 10]);
});

test('the weight of slow start never falls with time and stays within its bounds', () => {
  let before = 0;
  for (let ms = 0; ms <= 60_000; ms += 100) {
    const weight = slowStartWeight(ms, SLOW_START_MS);
    expect(weight).toBeGreaterThanOrEqual(before);
    expect(weight).toBeLessThanOrEqual(1);
    before = weight;
  }
  expect(before).toBe(1);
});
