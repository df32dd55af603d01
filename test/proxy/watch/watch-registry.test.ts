// Who is given a place, when, and where; and what moves while nothing is lost.
import { afterEach, expect, test, vi } from 'vitest';
import { event, failure, nth, type TestWatch, WatchBench } from './support/watch-bench.ts';

let bench: WatchBench;

afterEach(() => {
  vi.useRealTimers();
});

function carry(count: number, index = 0): TestWatch[] {
  return Array.from({ length: count }, () => bench.carry(index));
}

function opened(watches: readonly TestWatch[]): TestWatch[] {
  return watches.filter((watch) => watch.opened.length > 0);
}

/** Answers every request that has no answer yet, with an event, so that the watch is switched. */
function answerAll(watches: readonly TestWatch[]): void {
  for (const watch of watches) {
    const last = watch.opened.at(-1);
    if (last === undefined || watch.watch.endpoint === last.endpoint) continue;
    last.stream.answer();
    last.stream.data(event(1000));
  }
}

/** The endpoint at 0 dies. */
function lose(watches: readonly TestWatch[]): void {
  bench.setReady(0, false);
  for (const { first } of watches) first.lose();
}

/** The endpoint at `index` was away for a moment. */
function restart(index: number): void {
  bench.pass(1);
  bench.setReady(index, false);
  bench.setReady(index, true);
}

test('many watches of one dead endpoint come to each of the others at the pace', () => {
  bench = new WatchBench(3, { continuationsPerSecond: 100 });
  const watches = carry(1000);
  lose(watches);
  const answerFor = (tenths: number): void => {
    for (let i = 0; i < tenths; i++) {
      bench.pass(100);
      answerAll(watches);
    }
  };
  answerFor(10);
  const first = opened(watches);
  expect(first.length).toBeGreaterThanOrEqual(190);
  expect(first.length).toBeLessThanOrEqual(225);
  const there = first.filter((watch) => nth(watch).endpoint === bench.at(1));
  expect(there.length).toBeCloseTo(first.length / 2, -1);
  answerFor(50);
  expect(opened(watches)).toHaveLength(1000);
});

test('a watch that only waits for its turn is not given up', () => {
  bench = new WatchBench(2, { continuationsPerSecond: 10, maxWaitMs: 5000 });
  const watches = carry(100);
  lose(watches);
  for (let ms = 0; ms < 11_000; ms += 500) {
    bench.pass(500);
    answerAll(watches);
  }
  expect(watches.filter(({ front }) => front.ended)).toHaveLength(0);
  expect(opened(watches)).toHaveLength(100);
});

test('who has been silent longest is continued first', () => {
  bench = new WatchBench(2, { continuationsPerSecond: 10 });
  const watches = carry(10);
  const order = [3, 1, 4, 0, 5, 9, 2, 6, 8, 7];
  for (const index of order) {
    bench.pass(50);
    watches[index]?.first.data(event(6));
  }
  lose(watches);
  const seen: number[] = [];
  for (let ms = 0; ms < 2000; ms += 10) {
    bench.pass(10);
    for (const [index, watch] of watches.entries()) {
      if (watch.opened.length > 0 && !seen.includes(index)) seen.push(index);
    }
  }
  expect(seen).toEqual(order);
});

test('an endpoint without a free connection is passed over, and asked again later', () => {
  bench = new WatchBench(2);
  bench.full.add(bench.at(1));
  const [watch] = carry(1);
  if (watch === undefined) throw new Error('one watch');
  lose([watch]);
  bench.pass(100);
  expect(watch.opened).toHaveLength(0);
  bench.full.clear();
  bench.pass(500);
  expect(watch.opened).toHaveLength(1);
  expect(bench.loads).toEqual([0, 1]);
});

test('an endpoint that was ready before the last event is preferred to a fresh one', () => {
  bench = new WatchBench(3);
  const watches = carry(20);
  restart(2);
  lose(watches);
  bench.pass(100);
  for (const watch of watches) expect(nth(watch).endpoint).toBe(bench.at(1));
});

test('watches of a silent connection are opened elsewhere, and stay until that has answered', () => {
  bench = new WatchBench(3);
  const watches = carry(20);
  bench.suspect(0);
  bench.pass(50);
  expect(opened(watches)).toHaveLength(20);
  for (const { first, watch } of watches) {
    expect(first.resetCode).toBeUndefined();
    expect(watch.endpoint).toBe(bench.at(0));
  }
  answerAll(watches);
  for (const { watch } of watches) expect(watch.endpoint).not.toBe(bench.at(0));
  expect(bench.outcomes).toEqual(Array(20).fill('silent continued'));
});

test('a silent watch may go where a move has failed before', () => {
  bench = new WatchBench(2);
  const [watch] = carry(1);
  if (watch === undefined) throw new Error('one watch');
  watch.watch.moveTo(bench.at(1), 'rebalance');
  nth(watch).stream.answer(500);
  bench.pass(60_000);
  bench.suspect(0);
  bench.pass(10);
  expect(watch.opened).toHaveLength(2);
});

test('a connection that wakes up keeps the watches that have not been moved yet', () => {
  bench = new WatchBench(2, { continuationsPerSecond: 10 });
  const watches = carry(30);
  bench.suspect(0);
  bench.pass(10);
  const before = opened(watches).length;
  expect(before).toBeLessThan(5);
  bench.connections.set(
    bench.at(0),
    Object.assign(bench.connectionOf(bench.at(0)), {
      lastReadAtMs: bench.nowMs(),
    }),
  );
  bench.pass(5000);
  expect(opened(watches)).toHaveLength(before);
});

test('watches on other connections of the same endpoint are left alone', () => {
  bench = new WatchBench(2);
  const watches = carry(5);
  const other = Object.assign(Object.create(null), { lastReadAtMs: 0 });
  bench.registry.suspect(bench.at(0), other);
  bench.pass(100);
  expect(opened(watches)).toHaveLength(0);
});

test('a suspected watch whose endpoint then dies is continued once', () => {
  bench = new WatchBench(3);
  const watches = carry(5);
  bench.suspect(0);
  bench.pass(10);
  lose(watches);
  bench.pass(100);
  for (const watch of watches) expect(watch.opened).toHaveLength(1);
  answerAll(watches);
  expect(bench.loads.reduce((sum, load) => sum + load, 0)).toBe(5);
});

test('after a restart watches move to the empty endpoint until it has its share', () => {
  bench = new WatchBench(3, { movesPerSecond: 20 });
  const watches = [...carry(50, 0), ...carry(50, 1)];
  for (let second = 0; second < 5; second++) {
    const before = bench.outcomes.length;
    bench.registry.rebalance();
    answerAll(watches);
    expect(bench.outcomes.length - before).toBeLessThanOrEqual(20);
    bench.pass(1000);
  }
  const counts = bench.endpoints.map((endpoint) => bench.registry.count(endpoint));
  expect(Math.max(...counts) / (100 / 3)).toBeLessThanOrEqual(1.1);
  expect(counts).toEqual(bench.loads);
});

test('the cheapest watches move: those that have brought the fewest bytes', () => {
  bench = new WatchBench(2, { movesPerSecond: 3 });
  const watches = carry(12);
  for (const [index, watch] of watches.entries()) {
    for (let i = 0; i < (index * 7) % 12; i++) watch.first.data(event(6 + i));
  }
  bench.registry.rebalance();
  const moved = opened(watches).map(({ record }) => record.responseBytes);
  const all = watches.map(({ record }) => record.responseBytes).sort((one, other) => one - other);
  expect(moved.sort((one, other) => one - other)).toEqual(all.slice(0, 3));
});

test('only watches with an event newer than the readiness of the target are evened out', () => {
  bench = new WatchBench(2);
  const watches = carry(20);
  restart(1);
  bench.pass(6000);
  bench.registry.rebalance();
  expect(opened(watches)).toHaveLength(0);
  for (const { first } of watches.slice(0, 5)) first.data(event(7, 'BOOKMARK'));
  bench.registry.rebalance();
  expect(opened(watches)).toHaveLength(5);
});

test('a target that said Expired is not asked again for the same version, but for a later one', () => {
  bench = new WatchBench(2);
  const watches = carry(20);
  const refuseAll = (): void => {
    for (const watch of watches) {
      const last = watch.opened.at(-1);
      if (last === undefined || last.stream.resetCode !== undefined) continue;
      last.stream.answer();
      last.stream.data(failure(410));
    }
  };
  for (let second = 0; second < 30; second++) {
    bench.registry.rebalance();
    refuseAll();
    bench.pass(1000);
  }
  for (const watch of watches) expect(watch.opened.length).toBeLessThanOrEqual(1);
  const before = opened(watches).length;
  expect(before).toBeGreaterThanOrEqual(10);
  for (const { first } of watches) first.data(event(9));
  bench.registry.rebalance();
  expect(watches.reduce((sum, watch) => sum + watch.opened.length, 0)).toBeGreaterThan(before);
});

test('nothing is evened out while an endpoint is suspected', () => {
  bench = new WatchBench(2);
  const watches = carry(20);
  bench.suspected.add(bench.at(0));
  bench.registry.rebalance();
  expect(opened(watches)).toHaveLength(0);
  bench.suspected.clear();
  bench.registry.rebalance();
  expect(opened(watches)).toHaveLength(10);
});

test('an endpoint that is not ready but still sends is emptied at the pace', () => {
  bench = new WatchBench(2, { movesPerSecond: 5 });
  const watches = carry(12);
  bench.setReady(0, false);
  bench.registry.rebalance();
  expect(opened(watches)).toHaveLength(0);
  bench.pass(5000);
  for (const expected of [5, 10, 12]) {
    bench.registry.rebalance();
    answerAll(watches);
    expect(bench.registry.count(bench.at(1))).toBe(expected);
    bench.pass(1000);
  }
  expect(bench.outcomes).toEqual(Array(12).fill('leaving continued'));
});

test('nothing is left in the registry by watches that are over', () => {
  bench = new WatchBench(3);
  const watches = carry(30);
  bench.suspect(0);
  bench.pass(10);
  answerAll(watches.slice(0, 10));
  lose(watches.slice(10, 20));
  for (const { front } of watches) front.lose();
  bench.pass(5000);
  expect(bench.endpoints.map((endpoint) => bench.registry.count(endpoint))).toEqual([0, 0, 0]);
  expect(bench.loads).toEqual([0, 0, 0]);
  expect(bench.registry.waitingCount).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
});

test('a registry that has been stopped ends what loses its endpoint, and sets no timer', () => {
  bench = new WatchBench(2);
  const [watch] = carry(1);
  if (watch === undefined) throw new Error('one watch');
  watch.first.data(event(6));
  bench.registry.stop();
  watch.first.lose();
  expect(watch.front.ended).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});
