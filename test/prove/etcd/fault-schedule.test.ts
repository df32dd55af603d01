import { expect, test } from 'vitest';
import { planFaults } from '../../../prove/etcd/fault-schedule.ts';

test('a seed is one schedule, and another seed another one', () => {
  expect(planFaults(7, 60_000, 3)).toEqual(planFaults(7, 60_000, 3));
  expect(planFaults(7, 60_000, 3).faults).not.toEqual(planFaults(8, 60_000, 3).faults);
});

test('a longer schedule begins as a shorter one does', () => {
  const short = planFaults(7, 20_000, 3).faults;
  expect(short.length).toBeGreaterThan(3);
  expect(planFaults(7, 60_000, 3).faults.slice(0, short.length)).toEqual(short);
});

test('over many seeds every fault befalls every member, and every version takes part', () => {
  const plans = Array.from({ length: 50 }, (_, seed) => planFaults(seed, 20_000, 3));
  const faults = plans.flatMap((plan) => plan.faults);
  expect(new Set(faults.map(({ kind, victim }) => `${kind} ${victim}`))).toHaveLength(8 * 3);
  expect(new Set(plans.map(({ version }) => version))).toHaveLength(2);
  for (const { divergence } of plans) {
    expect(divergence.revisions).toBeGreaterThan(0);
    expect([0, 1, 2]).toContain(divergence.victim);
  }
});
