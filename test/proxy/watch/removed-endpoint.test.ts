// An endpoint is taken off the list while it serves watches, and serves them well.
import { afterEach, expect, test, vi } from 'vitest';
import {
  event,
  failure,
  nth,
  type TestWatch,
  versions,
  WatchBench,
} from './support/watch-bench.ts';

let bench: WatchBench;

afterEach(() => {
  vi.useRealTimers();
});

function answer(watch: TestWatch, version: number): void {
  nth(watch).stream.answer();
  nth(watch).stream.data(event(version));
}

test('its watches go on elsewhere, and it serves them until the other has answered', () => {
  bench = new WatchBench(2);
  const watch = bench.carry(0);
  watch.first.data(event(6));
  bench.remove(0);
  bench.pass(20);
  expect(nth(watch).endpoint).toBe(bench.at(1));
  watch.first.data(event(7));
  nth(watch).stream.answer();
  nth(watch).stream.data(event(7));
  nth(watch).stream.data(event(8));
  bench.pass(200);
  expect(versions(watch.front)).toEqual([6, 7, 8]);
  expect(watch.watch.endpoint).toBe(bench.at(1));
  expect(bench.outcomes).toEqual(['removed continued']);
  expect(bench.gapsMs).toEqual([]);
  expect(bench.loads).toEqual([0, 1]);
});

test('they go at the pace of those whose endpoint has died', () => {
  bench = new WatchBench(2, { continuationsPerSecond: 100 });
  const watches = Array.from({ length: 300 }, () => bench.carry(0));
  bench.remove(0);
  const opened = (): TestWatch[] => watches.filter((watch) => watch.opened.length > 0);
  const passAndAnswer = (tenths: number): void => {
    for (let i = 0; i < tenths; i++) {
      bench.pass(100);
      for (const watch of opened()) {
        if (watch.watch.endpoint === bench.at(0)) answer(watch, 1000);
      }
      bench.registry.rebalance();
    }
  };
  passAndAnswer(10);
  expect(opened().length).toBeLessThanOrEqual(115);
  passAndAnswer(40);
  expect(bench.loads).toEqual([0, 300]);
  expect(watches.filter(({ front }) => front.ended)).toEqual([]);
});

test('one that has no version to go on from goes as soon as it has one', () => {
  bench = new WatchBench(2);
  const watch = bench.carry(0, 'resourceVersion=0');
  bench.remove(0);
  bench.pass(1000);
  bench.registry.rebalance();
  expect(watch.opened).toEqual([]);
  watch.first.data(event(9));
  bench.registry.rebalance();
  bench.pass(20);
  expect(nth(watch).endpoint).toBe(bench.at(1));
});

test('one that nobody can go on with stays where it is, and is tried again', () => {
  bench = new WatchBench(2);
  const watch = bench.carry(0);
  bench.remove(0);
  bench.pass(20);
  nth(watch).stream.answer(503);
  expect(watch.watch.endpoint).toBe(bench.at(0));
  watch.first.data(event(6));
  expect(versions(watch.front)).toEqual([6]);
  bench.registry.rebalance();
  bench.pass(20);
  expect(watch.opened).toHaveLength(2);
  answer(watch, 7);
  expect(watch.watch.endpoint).toBe(bench.at(1));
});

test('one whose history only the removed endpoint has ends with it, and not before', () => {
  bench = new WatchBench(2);
  const watch = bench.carry(0);
  watch.first.data(event(6));
  bench.remove(0);
  bench.pass(20);
  nth(watch).stream.answer();
  nth(watch).stream.data(failure(410));
  bench.pass(5000);
  bench.registry.rebalance();
  expect(watch.front.ended).toBe(false);
  watch.first.lose();
  bench.registry.forget(bench.at(0));
  bench.pass(20_000);
  expect(watch.front.ended).toBe(true);
  expect(bench.loads).toEqual([0, 0]);
});

test('a watch that an endpoint answers after its removal goes on elsewhere too', () => {
  bench = new WatchBench(2);
  bench.remove(0);
  const watch = bench.carry(0);
  bench.registry.rebalance();
  bench.pass(20);
  answer(watch, 6);
  expect(watch.watch.endpoint).toBe(bench.at(1));
});

test('nothing is evened out with an endpoint that is not on the list', () => {
  bench = new WatchBench(3);
  const watches = Array.from({ length: 60 }, () => bench.carry(1));
  bench.remove(0);
  bench.registry.rebalance();
  bench.pass(20);
  for (const { opened } of watches) {
    for (const { endpoint } of opened) expect(endpoint).toBe(bench.at(2));
  }
  expect(watches.some(({ opened }) => opened.length > 0)).toBe(true);
});
