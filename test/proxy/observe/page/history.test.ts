import { expect, test } from 'vitest';
import { Differences } from '../../../../proxy/observe/page/differences.ts';
import { PageHistory, SLOTS } from '../../../../proxy/observe/page/history.ts';
import { quantile } from '../../../../proxy/observe/page/quantile.ts';
import { RECENT_MS, Recent } from '../../../../proxy/observe/page/recent.ts';
import { SeriesTable } from '../../../../proxy/observe/series-table.ts';
import { endpointFigures, failureOf, figuresOf, listOf, NOW_MS } from './support.ts';

const LOADS = [{ name: 'cp-1', inFlight: 3, watches: 40 }];

function played(seconds: number, requests: (second: number) => number): PageHistory {
  const history = new PageHistory(['cp-1']);
  for (let second = 0; second < seconds; second += 1) {
    history.begin();
    history.add(figuresOf([endpointFigures('cp-1', requests(second))]));
    history.end(LOADS);
  }
  return history;
}

test('the last five minutes are kept, the oldest first, and what is older is forgotten', () => {
  const values = played(SLOTS + 50, (second) => second)
    .of('cp-1')
    ?.values('requests');
  expect(values).toHaveLength(SLOTS - 1);
  expect(values?.at(0)).toBe(51);
  expect(values?.at(-1)).toBe(SLOTS + 49);
});

test('what was before the door is not known, which is not zero', () => {
  const values =
    played(2, () => 5)
      .of('cp-1')
      ?.values('requests') ?? [];
  expect(values.slice(-3)).toEqual([Number.NaN, 5, 5]);
});

test('an endpoint that is added has no past, and one that is removed is not shown any more', () => {
  const history = played(10, () => 5);
  history.follow(['cp-2']);
  expect(history.of('cp-1')).toBeUndefined();
  history.begin();
  history.add(figuresOf([endpointFigures('cp-1', 7), endpointFigures('cp-2', 9)]));
  history.end(LOADS);
  expect(history.of('cp-2')?.values('requests').slice(-2)).toEqual([Number.NaN, 9]);
  // What it has not ended yet is still the door's.
  expect(history.door.recent('requests', 1)).toBe(16);
});

test('a second that was late is a rate all the same', () => {
  const history = new PageHistory(['cp-1']);
  history.add(figuresOf([endpointFigures('cp-1', 50)]));
  history.end(LOADS, 2.5);
  expect(history.of('cp-1')?.recent('requests', 1)).toBe(20);
});

test('several processes are one door, and the busiest of them counts', () => {
  const history = new PageHistory(['cp-1']);
  history.begin();
  history.add(figuresOf([endpointFigures('cp-1', 5)], { busy: 0.2, slowWatches: 1 }));
  history.add(figuresOf([endpointFigures('cp-1', 7)], { busy: 0.9, slowWatches: 2 }));
  history.end(LOADS);
  expect(history.door.recent('requests', 1)).toBe(12);
  expect(history.door.recent('busy', 1)).toBeCloseTo(0.9, 5);
  expect(history.door.recent('watches', 1)).toBe(40);
  expect(history.slowWatches).toBe(3);
});

test('p99 is of the last fifteen seconds, and nothing where nothing was asked', () => {
  const history = new PageHistory(['cp-1']);
  history.add(figuresOf([endpointFigures('cp-1', 100, 5)]));
  history.end(LOADS);
  expect(history.of('cp-1')?.duration(0.99)).toBeGreaterThan(4.9);
  for (let second = 0; second < 15; second += 1) history.end(LOADS);
  expect(history.of('cp-1')?.duration(0.99)).toBeUndefined();
});

test('quantiles are those of histogram_quantile', () => {
  const bounds = [1, 2, 4];
  expect(quantile(0.5, [10, 0, 0, 0], bounds)).toBe(0.5);
  expect(quantile(0.5, [10, 10, 20, 0], bounds)).toBe(2);
  expect(quantile(0.75, [10, 10, 20, 0], bounds)).toBe(3);
  expect(quantile(0.99, [0, 0, 0, 5], bounds)).toBe(4);
  expect(quantile(0.99, [0, 0, 0, 0], bounds)).toBeUndefined();
});

test('differences are what has been added since the last look, rows that came since included', () => {
  const table = new SeriesTable({ name: 'a', help: 'a', type: 'counter', labelNames: ['x'] });
  table.add(table.row(['old']), 7);
  const differences = new Differences(table);
  const look = (): string[] => {
    const seen: string[] = [];
    differences.take(([name = ''], [count = 0]) => seen.push(`${name} ${count}`));
    return seen;
  };
  expect(look()).toEqual([]);
  table.add(table.row(['old']), 2);
  for (const name of ['b', 'c', 'd', 'e', 'f']) table.add(table.row([name]), 1);
  expect(look()).toEqual(['old 2', 'b 1', 'c 1', 'd 1', 'e 1', 'f 1']);
  expect(look()).toEqual([]);
});

test('moves that follow each other are one entry, and later ones another', () => {
  const recent = new Recent();
  const move = (to: string, count: number) =>
    figuresOf([], {
      moves: [{ reason: 'lost', from: 'cp-2', to, count }],
      longestGapSeconds: 0.05,
    });
  recent.add(move('cp-1', 3), NOW_MS);
  recent.add(move('cp-3', 4), NOW_MS + 2000);
  recent.add(move('cp-3', 1), NOW_MS + 60_000);
  const entries = recent.watchEntries(NOW_MS + 60_000);
  const counts = entries.map((entry) => (entry.kind === 'moved' ? [...entry.to] : []));
  expect(counts).toEqual([
    [['cp-3', 1]],
    [
      ['cp-1', 3],
      ['cp-3', 4],
    ],
  ]);
});

test('failures are counted by kind for five minutes, and none is kept for ever', () => {
  const recent = new Recent();
  recent.add(
    figuresOf([], { failures: [failureOf({ atMs: NOW_MS - 100_000, count: 7 })] }),
    NOW_MS,
  );
  recent.add(figuresOf([], { failures: [failureOf({ count: 2 })] }), NOW_MS);
  expect(recent.failures(NOW_MS)).toMatchObject([{ count: 9, countNow: 2, atMs: NOW_MS }]);
  expect(recent.failures(NOW_MS + RECENT_MS)).toEqual([]);
});

test('however much happens, what is remembered of it is bounded', () => {
  const recent = new Recent();
  for (let second = 0; second < 400; second += 1) {
    const atMs = NOW_MS + second * 1000;
    const from = `cp-${second}`;
    recent.add(
      figuresOf([], {
        moves: [{ reason: 'lost', from, to: 'cp-1', count: 1 }],
        failures: [failureOf({ endpoint: from, atMs })],
        lists: Array.from({ length: 10 }, () => listOf({ atMs, durationMs: second })),
      }),
      atMs,
    );
  }
  const nowMs = NOW_MS + 400_000;
  expect(recent.watchEntries(nowMs)).toHaveLength(60);
  expect(recent.failures(nowMs)).toHaveLength(64);
  expect(recent.longLists(nowMs)).toHaveLength(40);
});
