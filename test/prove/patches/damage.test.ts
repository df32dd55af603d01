import { expect, test } from 'vitest';
import { allRows, type Damage, singleRows, zoneRows } from '../../../prove/patches/damage.ts';

const NONE: Damage = {
  marked: 0,
  lostEndpoints: 0,
  evicted: 0,
  firstMarkMs: undefined,
  lastMarkMs: undefined,
  backMs: 100,
};

function damage(pods: number, lastMarkMs = 6000): Damage {
  return {
    ...NONE,
    marked: pods,
    lostEndpoints: pods,
    evicted: pods,
    firstMarkMs: 5000,
    lastMarkMs,
  };
}

function short(rows: readonly { readonly what: string; readonly verdict: string }[]): string[] {
  return rows.filter(({ verdict }) => verdict === 'SHORT').map(({ what }) => what);
}

test('a patched controller that marks a single pod when all leases stop falls short', () => {
  expect(short(allRows(damage(300), NONE, 300))).toEqual([]);
  expect(short(allRows(damage(300), { ...NONE, marked: 1 }, 300))).toEqual([
    'all leases stop, patched: pods marked',
  ]);
});

test('a stock controller that leaves the pods alone shows nothing, and falls short', () => {
  expect(short(allRows(NONE, NONE, 300))).toEqual(['all leases stop, stock: pods marked']);
});

test('a patched controller may mark a few nodes of a zone, and not more', () => {
  const zone = { podsPerNode: 10, pods: 100 };
  expect(short(zoneRows(damage(100), damage(30), zone))).toEqual([]);
  expect(short(zoneRows(damage(100), damage(40), zone))).toHaveLength(3);
});

test('a single dead node has to be handled as by a stock controller, and as soon', () => {
  expect(short(singleRows(damage(10), damage(10), 10))).toEqual([]);
  expect(short(singleRows(damage(10), damage(10, 9000), 10))).toHaveLength(1);
  expect(short(singleRows(damage(10), NONE, 10))).toHaveLength(4);
});
