// What keeps one watch, or one endpoint, from spoiling the others'.
import { afterEach, expect, test, vi } from 'vitest';
import { nth, type TestWatch, WatchBench } from './support/watch-bench.ts';

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
