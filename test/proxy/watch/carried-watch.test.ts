// The rules of a watch that goes on elsewhere. Sources: client-go tools/cache/reflector.go (what an
// end means), apiserver pkg/storage/cacher (from where a watch may go on).
import { afterEach, expect, test, vi } from 'vitest';
import {
  event,
  failure,
  initialEnd,
  nth,
  type TestWatch,
  versions,
  WatchBench,
} from './support/watch-bench.ts';

let bench: WatchBench;

afterEach(() => {
  // Whatever a test has done: a timer that is left would keep a watch that is over.
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

test('a lost watch goes on from the last version, with a bookmark asked for', () => {
  const watch = begin('resourceVersion=5&labelSelector=a%3Db&timeoutSeconds=300');
  watch.first.data(event(6) + event(7));
  bench.pass(20_000);
  loseFirst(watch);
  const { query, stream, endpoint } = nth(watch);
  expect(endpoint).not.toBe(bench.at(0));
  expect(Object.fromEntries(query)).toEqual({
    watch: 'true',
    labelSelector: 'a=b',
    resourceVersion: '7',
    allowWatchBookmarks: 'true',
    timeoutSeconds: '280',
  });
  stream.answer();
  stream.data(event(8));
  expect(versions(watch.front)).toEqual([6, 7, 8]);
  expect(watch.front.ended).toBe(false);
  expect(watch.front.resetCode).toBeUndefined();
  expect(bench.outcomes).toEqual(['lost continued']);
});

test('an event that was cut off comes whole from the next endpoint', () => {
  const watch = begin();
  watch.first.data(event(6) + event(7).slice(0, 30));
  loseFirst(watch);
  expect(nth(watch).query.get('resourceVersion')).toBe('6');
  nth(watch).stream.answer();
  nth(watch).stream.data(event(7));
  expect(versions(watch.front)).toEqual([6, 7]);
});

test('a line that lost its end with the endpoint is ended before the next event', () => {
  const watch = begin();
  watch.first.data(event(6).trimEnd());
  loseFirst(watch);
  nth(watch).stream.answer();
  nth(watch).stream.data(event(7));
  expect(watch.front.text).toBe(event(6) + event(7));
});

test.each(['', 'resourceVersion=0', 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan'])(
  'initial events of a watch with "%s" say no version: it is ended, not reset',
  (query) => {
    const watch = begin(query);
    watch.first.data(event(9, 'ADDED') + event(4, 'ADDED'));
    loseFirst(watch);
    expect(watch.opened).toHaveLength(0);
    expect(watch.front.ended).toBe(true);
    expect(watch.front.resetCode).toBeUndefined();
  },
);

test('after the bookmark that ends initial events the watch goes on as a plain one', () => {
  const watch = begin(
    'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true',
  );
  watch.first.data(event(9, 'ADDED') + initialEnd(12));
  loseFirst(watch);
  const { query } = nth(watch);
  expect(query.get('resourceVersion')).toBe('12');
  expect(query.has('sendInitialEvents')).toBe(false);
  expect(query.has('resourceVersionMatch')).toBe(false);
});

test('bookmarks move the version on, and only clients that asked for them get them', () => {
  for (const asked of [false, true]) {
    const watch = begin(`resourceVersion=5&allowWatchBookmarks=${asked}`);
    watch.first.data(event(6) + event(30, 'BOOKMARK'));
    expect(versions(watch.front)).toEqual(asked ? [6, 30] : [6]);
    loseFirst(watch);
    expect(nth(watch).query.get('resourceVersion')).toBe('30');
  }
});

test('an end before the time that the client asked for is not passed on', () => {
  const watch = begin('resourceVersion=5&timeoutSeconds=300');
  bench.pass(100_000);
  watch.first.end();
  bench.pass(0);
  expect(nth(watch).query.get('timeoutSeconds')).toBe('200');
  expect(watch.front.ended).toBe(false);
});

test('an end at the time that the client asked for is passed on', () => {
  const watch = begin('resourceVersion=5&timeoutSeconds=300');
  bench.pass(299_500);
  watch.first.end();
  bench.pass(0);
  expect(watch.opened).toHaveLength(0);
  expect(watch.front.ended).toBe(true);
  expect(watch.ended).toEqual({ code: undefined });
});

test('Expired in place of the first event: the next endpoint is asked', () => {
  const watch = begin();
  loseFirst(watch);
  nth(watch).stream.answer();
  nth(watch).stream.data(failure(410));
  bench.pass(10);
  expect(watch.opened).toHaveLength(2);
  expect(nth(watch, 1).endpoint).not.toBe(nth(watch, 0).endpoint);
  nth(watch).stream.answer();
  nth(watch).stream.data(event(6));
  expect(versions(watch.front)).toEqual([6]);
  expect(bench.outcomes).toEqual(['lost expired', 'lost continued']);
});

test('when every ready endpoint says Expired, the client gets END_STREAM, not the error', () => {
  const watch = begin();
  watch.first.data(event(6));
  bench.setReady(0, false);
  loseFirst(watch);
  for (let i = 0; i < 2; i++) {
    nth(watch).stream.answer();
    nth(watch).stream.data(failure(410));
    bench.pass(10);
  }
  expect(watch.opened).toHaveLength(2);
  // The one that has lost it may have been only too busy for its checks.
  bench.pass(500);
  expect(nth(watch).endpoint).toBe(bench.at(0));
  expect(watch.opened).toHaveLength(3);
  expect(watch.front.ended).toBe(false);
  nth(watch).stream.lose('connect ECONNREFUSED');
  bench.pass(10);
  expect(watch.front.text).toBe(event(6));
  expect(watch.front.ended).toBe(true);
  expect(watch.ended).toEqual({ code: 'upstream_lost' });
});

test('Expired in answer to the own request of a client is tried elsewhere first', () => {
  const watch = begin();
  watch.first.data(failure(410), true);
  bench.pass(0);
  expect(nth(watch).query.get('resourceVersion')).toBe('5');
  nth(watch).stream.answer();
  nth(watch).stream.data(event(6));
  expect(versions(watch.front)).toEqual([6]);
});

test('a version that is too old everywhere: the client gets its own Expired', () => {
  const watch = begin();
  watch.first.data(failure(410), true);
  bench.pass(0);
  for (let i = 0; i < 2; i++) {
    nth(watch).stream.answer();
    nth(watch).stream.data(failure(410));
    bench.pass(10);
  }
  expect(watch.opened).toHaveLength(2);
  expect(watch.front.text).toBe(failure(410));
  expect(watch.front.ended).toBe(true);
});

test('an error in the middle of a watch is passed on, and ends it', () => {
  const watch = begin();
  watch.first.data(event(6) + failure(500), true);
  expect(watch.front.text).toBe(event(6) + failure(500));
  expect(watch.front.ended).toBe(true);
  expect(watch.opened).toHaveLength(0);
});

test('nobody is asked again when the client has lost its rights', () => {
  const watch = begin();
  watch.first.data(event(6));
  loseFirst(watch);
  nth(watch).stream.answer(403);
  bench.pass(1000);
  expect(watch.opened).toHaveLength(1);
  expect(watch.front.ended).toBe(true);
});

test('an endpoint that does not know the resource yet is not the last word', () => {
  const watch = begin();
  watch.first.data(event(6));
  loseFirst(watch);
  nth(watch).stream.answer(404);
  bench.pass(10);
  expect(watch.opened).toHaveLength(2);
  expect(watch.front.ended).toBe(false);
});

test('an endpoint that answers in another encoding is refused', () => {
  const watch = begin();
  loseFirst(watch);
  nth(watch).stream.answer(200, 'application/vnd.kubernetes.protobuf;stream=watch');
  bench.pass(10);
  expect(watch.opened).toHaveLength(2);
});

test('an endpoint that accepts and never answers is left for the next', () => {
  const watch = begin();
  loseFirst(watch);
  bench.pass(3010);
  expect(nth(watch, 0).stream.resetCode).toBeDefined();
  expect(watch.opened).toHaveLength(2);
});
