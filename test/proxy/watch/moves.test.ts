// A watch that moves while its endpoint is alive: opened elsewhere, looked at, then switched.
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

/** A watch at the first endpoint that is about to move to the second. */
function beginMove(): TestWatch {
  bench = new WatchBench();
  const watch = bench.carry(0);
  watch.first.data(event(6));
  watch.watch.moveTo(bench.at(1), 'rebalance');
  return watch;
}

test('the old endpoint serves the client during a move, and what comes twice is left out', () => {
  const watch = beginMove();
  watch.first.data(event(7) + event(8));
  expect(versions(watch.front)).toEqual([6, 7, 8]);
  expect(nth(watch).query.get('resourceVersion')).toBe('6');
  nth(watch).stream.answer();
  nth(watch).stream.data(event(7));
  watch.first.data(event(9));
  nth(watch).stream.data(event(8) + event(9));
  expect(versions(watch.front)).toEqual([6, 7, 8, 9]);
  expect(watch.watch.endpoint).toBe(bench.at(0));
  nth(watch).stream.data(event(10));
  watch.first.data(event(10));
  expect(versions(watch.front)).toEqual([6, 7, 8, 9, 10]);
  expect(watch.watch.endpoint).toBe(bench.at(1));
  expect(watch.first.resetCode).toBeDefined();
  expect(bench.loads).toEqual([0, 1, 0]);
});

test('a move that is refused leaves the watch where it is, without a gap', () => {
  for (const refuse of [
    (watch: TestWatch) => nth(watch).stream.answer(500),
    (watch: TestWatch) => nth(watch).stream.lose(),
    (watch: TestWatch) => {
      nth(watch).stream.answer();
      nth(watch).stream.data(failure(410));
    },
    (watch: TestWatch) => {
      nth(watch).stream.answer();
      nth(watch).stream.end();
    },
    () => bench.pass(1000),
  ]) {
    const watch = beginMove();
    watch.first.data(event(7));
    refuse(watch);
    expect(versions(watch.front)).toEqual([6, 7]);
    watch.first.data(event(8));
    expect(versions(watch.front)).toEqual([6, 7, 8]);
    expect(bench.loads).toEqual([1, 0, 0]);
  }
});

test('the old endpoint dies during a move: what it has passed on does not come twice', () => {
  const watch = beginMove();
  watch.first.data(event(7) + event(8));
  watch.first.lose();
  bench.pass(10);
  nth(watch).stream.answer();
  nth(watch).stream.data(event(7) + event(8) + event(9));
  expect(versions(watch.front)).toEqual([6, 7, 8, 9]);
  expect(watch.opened).toHaveLength(1);
});

test('the old endpoint dies during a move that is then refused: nothing is missing', () => {
  const watch = beginMove();
  watch.first.data(event(7) + event(8));
  watch.first.lose();
  nth(watch).stream.lose();
  bench.pass(10);
  expect(versions(watch.front)).toEqual([6, 7, 8]);
  expect(watch.opened).toHaveLength(2);
  expect(nth(watch).query.get('resourceVersion')).toBe('8');
});

test('a silent 200 counts as good after a moment, and a late Expired is still found', () => {
  const watch = beginMove();
  nth(watch).stream.answer();
  expect(watch.watch.endpoint).toBe(bench.at(0));
  bench.pass(100);
  expect(watch.watch.endpoint).toBe(bench.at(1));
  bench.pass(5000);
  nth(watch).stream.data(failure(410));
  bench.pass(10);
  expect(watch.opened).toHaveLength(2);
  nth(watch).stream.answer();
  nth(watch).stream.data(event(7));
  expect(versions(watch.front)).toEqual([6, 7]);
});

test('the endpoint of a slow client is held back, and let go on when the client has read', () => {
  bench = new WatchBench();
  const watch = bench.carry(0);
  watch.front.stalled = true;
  const long = 200 * 1024;
  const padded = (version: number): string =>
    event(version).replace('"x"', `"${'y'.repeat(long)}"`);
  watch.first.data(padded(6));
  expect(watch.first.consumedBytes).toBe(0);
  watch.front.take();
  expect(watch.first.consumedBytes).toBe(padded(6).length);
});

test('an event larger than every window is let in piece by piece', () => {
  bench = new WatchBench();
  const watch = bench.carry(0);
  const text = event(6).replace('"x"', `"${'y'.repeat(600 * 1024)}"`);
  for (let at = 0; at < text.length; at += 65_536) {
    const piece = text.slice(at, at + 65_536);
    watch.first.data(piece);
    // Or the endpoint would wait for window and the door for the rest of the event.
    expect(watch.first.consumedBytes).toBe(at + piece.length);
  }
  expect(versions(watch.front)).toEqual([6]);
});

test('a new endpoint that is behind is waited for, and switched to when it has caught up', () => {
  const watch = beginMove();
  watch.first.data(event(7));
  nth(watch).stream.answer();
  bench.pass(1000);
  expect(watch.watch.endpoint).toBe(bench.at(0));
  nth(watch).stream.data(event(7));
  bench.pass(100);
  expect(watch.watch.endpoint).toBe(bench.at(1));
});

test('a new endpoint that stays behind is given up', () => {
  const watch = beginMove();
  watch.first.data(event(7));
  nth(watch).stream.answer();
  bench.pass(2200);
  expect(nth(watch).stream.resetCode).toBeDefined();
  watch.first.data(event(8));
  expect(versions(watch.front)).toEqual([6, 7, 8]);
});

test('an endpoint that is behind when the old one dies has to catch up before it is heard', () => {
  const watch = beginMove();
  watch.first.data(event(7) + event(8));
  nth(watch).stream.answer();
  watch.first.lose();
  bench.pass(500);
  nth(watch).stream.data(event(7));
  nth(watch).stream.data(event(8) + event(9));
  expect(versions(watch.front)).toEqual([6, 7, 8, 9]);
});

test('an endpoint that dies before it has caught up leaves nothing behind for the next one', () => {
  const watch = beginMove();
  watch.first.data(event(7) + event(8));
  nth(watch).stream.answer();
  watch.first.lose();
  bench.pass(100);
  nth(watch).stream.lose();
  bench.pass(10);
  expect(nth(watch).query.get('resourceVersion')).toBe('8');
  nth(watch).stream.answer();
  nth(watch).stream.data(event(9));
  expect(versions(watch.front)).toEqual([6, 7, 8, 9]);
});

test('a bookmark of a new endpoint that is behind does not take the client back', () => {
  bench = new WatchBench();
  const watch = bench.carry(0, 'resourceVersion=5&allowWatchBookmarks=true');
  watch.first.data(event(6));
  watch.watch.moveTo(bench.at(1), 'rebalance');
  watch.first.data(event(7) + event(20, 'BOOKMARK'));
  nth(watch).stream.answer();
  nth(watch).stream.data(event(6, 'BOOKMARK') + event(7));
  nth(watch).stream.data(event(21));
  expect(versions(watch.front)).toEqual([6, 7, 20, 21]);
});

test('bookmarks of the new endpoint count once it is heard', () => {
  bench = new WatchBench();
  const watch = bench.carry(0, 'resourceVersion=5&allowWatchBookmarks=true');
  watch.watch.moveTo(bench.at(1), 'rebalance');
  nth(watch).stream.answer();
  bench.pass(100);
  nth(watch).stream.data(event(30, 'BOOKMARK'));
  nth(watch).stream.lose();
  bench.pass(10);
  expect(nth(watch).query.get('resourceVersion')).toBe('30');
  expect(versions(watch.front)).toEqual([30]);

  const late = beginMove();
  late.first.data(event(7));
  nth(late).stream.answer();
  late.first.lose();
  bench.pass(100);
  nth(late).stream.data(event(6, 'BOOKMARK') + event(7) + event(30, 'BOOKMARK'));
  nth(late).stream.lose();
  bench.pass(10);
  expect(nth(late).query.get('resourceVersion')).toBe('30');
});

test('an endpoint that sends other events than the old one is refused', () => {
  const watch = beginMove();
  watch.first.data(event(7) + event(8));
  nth(watch).stream.answer();
  nth(watch).stream.data(event(9));
  expect(nth(watch).stream.resetCode).toBeDefined();
  expect(watch.watch.endpoint).toBe(bench.at(0));
  watch.first.data(event(9));
  expect(versions(watch.front)).toEqual([6, 7, 8, 9]);
});

test('what is left out during a move is credited, or the new endpoint would stand still', () => {
  const watch = beginMove();
  watch.first.data(event(7));
  nth(watch).stream.answer();
  nth(watch).stream.data(event(7));
  expect(nth(watch).stream.consumedBytes).toBe(event(7).length);
});

test('a client with a request body is told to stop when its watch ends', () => {
  bench = new WatchBench();
  const watch = bench.carry(0);
  watch.front.data('useless');
  expect(watch.front.consumedBytes).toBe('useless'.length);
  watch.first.data(event(6) + failure(500), true);
  expect(watch.front.readingStopped).toBe(true);
});
