import { expect, test } from 'vitest';
import { findFalseWords, namesExactly, type Witness } from '../../../prove/etcd/fault-checker.ts';
import type { LagRound, SeenMember } from '../../../prove/etcd/lag-round.ts';

const NOTHING = { difference: undefined, etaMs: undefined, proof: '', status: undefined };

function member(name: string, state: string, rest: Partial<SeenMember> = {}): SeenMember {
  return { ...NOTHING, name, state, ...rest };
}

function round(number: number, ...states: readonly string[]): LagRound {
  const members = states.map((state, index) => member(`m${index + 1}`, state));
  return { number, tookMs: 10, seenAtMs: number * 1000, members };
}

function judge(rounds: readonly LagRound[], rest: Partial<Witness> = {}): string[] {
  return findFalseWords({ rounds, interruptions: [], quietAtMs: 0, ...rest });
}

const well = round(9, 'OK', 'OK', 'OK');

test('who is away or late may be called so', () => {
  expect(judge([round(8, 'UNKNOWN', 'SLOW', 'CATCHING_UP'), well])).toEqual([]);
});

test.each(['DIVERGED_BEHIND', 'DIVERGED_AHEAD', 'REV_REGRESSION'])(
  '%s is always false',
  (state) => {
    const cut = [{ member: 'm2', fromMs: 0, toMs: 100_000 }];
    expect(judge([round(8, 'OK', state, 'OK'), well], { interruptions: cut })).toEqual([
      `round 8: m2 is called ${state}: `,
    ]);
  },
);

test('stuck is true of who is kept from its peers, until it has had time, and of nobody else', () => {
  const stuck = [round(8, 'OK', 'STUCK', 'OK'), well];
  const cut = (name: string, toMs: number): Partial<Witness> => ({
    interruptions: [{ member: name, fromMs: 0, toMs }],
  });
  expect(judge(stuck, cut('m2', 7000))).toEqual([]);
  expect(judge(stuck, cut('m2', 1000))).toHaveLength(1);
  expect(judge(stuck, cut('m1', 7000))).toHaveLength(1);
});

test('a watch that hangs, and one that never finds all well again, are wrong too', () => {
  expect(judge([round(0, 'OK', 'OK'), round(9, 'OK', 'OK')])).toEqual([
    'no round for 9000 ms before 9',
  ]);
  expect(judge([well], { quietAtMs: 10_000 })).toEqual(['no round after the faults were over']);
  expect(judge([])).toEqual(['no round after the faults were over']);
  expect(judge([round(9, 'OK', 'UNKNOWN')])).toEqual([
    'in the last round, without faults: m2 UNKNOWN',
  ]);
});

test('a divergence is found by its member, its amount and nobody beside it', () => {
  const lacks = (atLeast: number, atMost: number): SeenMember =>
    member('m2', 'DIVERGED_BEHIND', {
      difference: { direction: 'behind', atLeast, atMost, confirmed: true },
    });
  const found = (...members: readonly SeenMember[]): boolean =>
    namesExactly({ ...well, members }, 'm2', 22);
  expect(found(member('m1', 'OK'), lacks(22, 22))).toBe(true);
  expect(found(member('m1', 'OK'), lacks(22, 23))).toBe(false);
  expect(found(member('m1', 'OK'), lacks(21, 21))).toBe(false);
  expect(found(member('m1', 'UNKNOWN'), lacks(22, 22))).toBe(false);
  expect(found(member('m1', 'OK'), member('m2', 'OK'))).toBe(false);
});
