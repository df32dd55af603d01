// What keeps one watch, or one endpoint, from spoiling the others'.
import { afterEach, expect, test, vi } from 'vitest';
import { event, nth, type TestWatch, WatchBench } from './support/watch-bench.ts';

afterEach(() => {
  vi.useRealTimers();
});

/** Watches at an endpoint that has just died. */
function lostWatches(bench: WatchBench, count: number): TestWatch[] {
  const watches = Array.from({ length: count }, () => bench.carry(0));
  bench.setReady(0, false);
  for (const { first } of watches) first.lose();
  return watches;
}

test('a bug that one watch brings to light ends that watch, and the others go on', () => {
  const bench = new WatchBench();
  const watches = lostWatches(bench, 2);
  const [broken, well] = watches;
  if (broken === undefined || well === undefined) throw new Error('two watches');
  broken.watch.continueAt = () => {
    throw new Error('a bug');
  };
  bench.pass(2000);
  expect(bench.bugs).toEqual([new Error('a bug')]);
  expect(broken.ended).toEqual({ code: 'internal' });
  expect(broken.front.ended).toBe(true);
  expect(well.opened.length).toBeGreaterThan(0);
});

test('a bug in the time that a new endpoint is looked at ends that watch alone', () => {
  const bench = new WatchBench();
  const [lost] = lostWatches(bench, 1);
  if (lost === undefined) throw new Error('one watch');
  bench.pass(20);
  bench.registry.attached = () => {
    throw new Error('a bug');
  };
  nth(lost).stream.answer();
  bench.pass(2000);
  expect(bench.bugs).toHaveLength(1);
  expect(lost.ended).toEqual({ code: 'internal' });
});

test('an endpoint that is slow to answer is given few at once, and the others get the rest', () => {
  const bench = new WatchBench();
  const watches = lostWatches(bench, 90);
  bench.pass(0);
  const asked = (index: number) =>
    watches.flatMap(({ opened }) => opened).filter(({ endpoint }) => endpoint === bench.at(index));
  expect(asked(1)).toHaveLength(32);
  expect(asked(2)).toHaveLength(32);
  // Only the third one answers.
  for (let round = 0; round < 5; round++) {
    for (const { stream } of asked(2)) stream.answer();
    bench.pass(20);
  }
  expect(asked(1)).toHaveLength(32);
  expect(asked(2)).toHaveLength(58);
});

test('a heavy watch changes places with a light one, until none has most of what comes', () => {
  const bench = new WatchBench(2);
  const [heavy, busy, idle, other] = [
    bench.carry(0),
    bench.carry(0),
    bench.carry(1),
    bench.carry(1),
  ];
  const events = (watch: TestWatch, count: number): void => {
    const stream = watch.opened.at(-1)?.stream ?? watch.first;
    for (let i = 0; i < count; i++) stream.data(`${event(10 + i, 'ADDED')}`.padEnd(100_000));
  };
  for (const watch of [idle, other]) events(watch, 1);
  events(heavy, 60);
  events(busy, 40);
  for (let second = 0; second < 20; second++) {
    bench.pass(1000);
    bench.registry.rebalance();
    for (const { watch, opened } of [heavy, busy, idle, other]) {
      const last = opened.at(-1);
      if (last !== undefined && watch.endpoint !== last.endpoint) last.stream.answer();
    }
  }
  bench.pass(1000);
  const heavyAt = [heavy, busy].map(({ watch }) => watch.endpoint);
  expect(new Set(heavyAt).size).toBe(2);
  expect(bench.endpoints.map((endpoint) => bench.registry.count(endpoint))).toEqual([2, 2]);
});
