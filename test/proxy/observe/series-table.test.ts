import { expect, test } from 'vitest';
import { EventLatencies } from '../../../proxy/observe/event-latencies.ts';
import { SeriesTable } from '../../../proxy/observe/series-table.ts';
import { hashOf, TopList } from '../../../proxy/observe/top-list.ts';

test('what was counted stays when a table grows, and so does where it is counted', () => {
  const table = new SeriesTable({
    name: 'x_seconds',
    help: 'Times.',
    type: 'histogram',
    labelNames: ['n'],
    bounds: [1, 2],
  });
  const offsets = Array.from({ length: 100 }, (_, n) => {
    const offset = table.row([String(n)]);
    table.observe(offset, n % 3);
    return offset;
  });
  for (const [n, offset] of offsets.entries()) {
    expect(table.row([String(n)])).toBe(offset);
    expect([0, 1, 2, 3].map((i) => table.get(offset + i))).toEqual(
      // 0 and 1 fall into the first bucket, 2 into the second; then +Inf and the sum.
      n % 3 === 2 ? [0, 1, 0, 2] : [1, 0, 0, n % 3],
    );
  }
});

test('of events that wait together none counts as delivered before its last byte', () => {
  const waiting = new EventLatencies();
  const EVENTS = 500;
  for (let n = 1; n <= EVENTS; n += 1) waiting.add(n * 10, n);
  let delivered = 0;
  for (let byte = 0; byte <= EVENTS * 10; byte += 7) {
    waiting.takeUpTo(byte, (sinceMs, count) => {
      delivered += count;
      // Never too short: from the oldest of those that are taken together.
      expect(sinceMs).toBeLessThanOrEqual(delivered);
    });
    expect(delivered).toBeLessThanOrEqual(byte / 10);
  }
  waiting.takeUpTo(EVENTS * 10, (_sinceMs, count) => {
    delivered += count;
  });
  expect([delivered, waiting.oldestMs]).toEqual([EVENTS, undefined]);
});

function add(list: TopList, name: string, amount: number, nowMs: number): void {
  const key = ['system:node:a', name, '192.0.2.1'] as const;
  list.add(hashOf(key), key, amount, nowMs);
}

test('of more clients than it has room for, what is shown is never surely too much', () => {
  const list = new TopList();
  const SECONDS = 10;
  for (let n = 0; n < 20_000; n += 1) {
    add(list, `client-${n}`, 1, 1000);
    if (n % 100 === 0) add(list, 'busy', 5, 1000);
  }
  const top = list.top(2000, SECONDS * 1000);
  expect(top[0]?.names[1]).toBe('busy');
  // Nothing is forgotten: what was somebody's is in the error of whoever took the place.
  const all = top.reduce((sum, { perSecond }) => sum + perSecond, 0);
  expect(all * SECONDS).toBeCloseTo(21_000);
  for (const { names, perSecond, errorPerSecond } of top) {
    const truth = names[1] === 'busy' ? 1000 : 1;
    expect((perSecond - errorPerSecond) * SECONDS).toBeLessThanOrEqual(truth + 1e-6);
    expect(perSecond * SECONDS).toBeGreaterThanOrEqual(truth - 1e-6);
  }
});

test('a list that nobody has looked at for long begins anew', () => {
  const list = new TopList();
  add(list, 'early', 1000, 1000);
  add(list, 'late', 1, 1_000_000);
  expect(list.top(10, 1_000_100).map(({ names }) => names[1])).toEqual(['late']);
});

test('callers that differ in one of their names are told apart', () => {
  const list = new TopList();
  const keys = [
    ['a', 'kubectl', '192.0.2.1'],
    ['b', 'kubectl', '192.0.2.1'],
    ['a', 'curl', '192.0.2.1'],
    ['a', 'kubectl', '192.0.2.2'],
    ['akubectl', '', '192.0.2.1'],
  ] as const;
  for (const [index, key] of keys.entries()) list.add(hashOf(key), key, index + 1, 1000);
  expect(list.top(10, 2000).map(({ names }) => names)).toEqual(keys.toReversed());
  expect(new Set(keys.map(hashOf)).size).toBe(keys.length);
});
