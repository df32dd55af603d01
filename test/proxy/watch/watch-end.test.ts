// How and when a carried watch ends. client-go lists again after a reset and after an end in the
// first second without an event (apimachinery pkg/watch, client-go tools/cache/reflector.go).
import { afterEach, expect, test, vi } from 'vitest';
import { event, nth, type TestWatch, versions, WatchBench } from './support/watch-bench.ts';

let bench: WatchBench;

afterEach(() => {
  vi.useRealTimers();
});

function begin(query?: string, endpoints?: number): TestWatch {
  bench = new WatchBench(endpoints);
  return bench.carry(0, query);
}

/** Loses the present stream, and lets the registry find another place. */
function loseFirst(watch: TestWatch): void {
  watch.first.lose();
  bench.pass(0);
}

test('while no endpoint is ready the client sees silence, then END_STREAM', () => {
  const watch = begin();
  watch.first.data(event(6));
  for (let i = 0; i < 3; i++) bench.setReady(i, false);
  loseFirst(watch);
  bench.pass(9_900);
  expect(watch.front.ended).toBe(false);
  bench.pass(200);
  expect(watch.front.ended).toBe(true);
  expect(watch.front.resetCode).toBeUndefined();
});

test('a watch is never ended in its first second, unless an event has come', () => {
  const silent = begin('');
  loseFirst(silent);
  bench.pass(1200);
  expect(silent.front.ended).toBe(false);
  bench.pass(200);
  expect(silent.front.ended).toBe(true);

  const lively = bench.carry(0, '');
  lively.first.data(event(6, 'ADDED'));
  lively.first.lose();
  expect(lively.front.ended).toBe(true);
});

test('the door that drains ends a young watch only after its first second', () => {
  const watch = begin();
  watch.watch.endForShutdown();
  bench.pass(1200);
  expect(watch.front.ended).toBe(false);
  watch.first.data(event(6));
  expect(versions(watch.front)).toEqual([6]);
  bench.pass(200);
  expect(watch.front.ended).toBe(true);
  expect(watch.ended).toEqual({ code: 'shutting_down' });
});

test('the cancel of a client ends all that is under way', () => {
  const lost = begin();
  loseFirst(lost);
  lost.front.lose('RST_STREAM CANCEL');
  expect(nth(lost).stream.resetCode).toBeDefined();
  bench.pass(20_000);
  expect(lost.opened).toHaveLength(1);
  expect(lost.ended).toEqual({ code: 'client_gone' });
  expect(bench.loads).toEqual([0, 0, 0]);
});

test('a watch whose client left while it waited is not continued', () => {
  const watch = begin();
  watch.first.lose();
  watch.front.lose();
  bench.pass(1000);
  expect(watch.opened).toHaveLength(0);
});

test('an endpoint that ends each watch at once is not asked in a circle', () => {
  const watch = begin('resourceVersion=5', 2);
  bench.pass(5000);
  watch.first.end();
  for (let ms = 0; ms < 20_000 && !watch.front.ended; ms += 10) {
    bench.pass(10);
    const last = watch.opened.at(-1);
    if (last === undefined || last.stream.resetCode !== undefined) continue;
    last.stream.answer();
    // Long enough to be taken for good.
    bench.pass(120);
    last.stream.end();
  }
  expect(watch.opened.length).toBeLessThan(100);
  expect(watch.front.ended).toBe(true);
});

test('no timer and no load is left behind by a watch that is over', () => {
  const watch = begin();
  watch.watch.moveTo(bench.at(1), 'rebalance');
  nth(watch).stream.answer();
  bench.pass(200);
  watch.watch.moveTo(bench.at(2), 'rebalance');
  bench.full.add(bench.at(0));
  watch.watch.moveTo(bench.at(0), 'rebalance');
  watch.front.lose();
  bench.pass(20);
  expect(vi.getTimerCount()).toBe(0);
  expect(bench.loads).toEqual([0, 0, 0]);
});
