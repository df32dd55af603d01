import { afterEach, expect, test, vi } from 'vitest';
import { parseRequestInfo } from '../../../proxy/kube/request-info.ts';
import { ServedWatches } from '../../../proxy/observe/replica-served.ts';
import { WatchBench } from '../watch/support/watch-bench.ts';

afterEach(() => void vi.useRealTimers());

function formsOf(path: string): string {
  const served = new ServedWatches();
  served.collecting = true;
  served.add(parseRequestInfo('GET', path), 1, 2);
  return served.take().map(({ form, verb, scope }) => `${form} ${verb} ${scope}`)[0] ?? 'none';
}

test.each([
  ['/api/v1/pods?watch=true', 'plain LIST cluster'],
  ['/api/v1/namespaces/a/pods?watch', 'plain LIST namespace'],
  ['/apis/apps/v1/deployments?watch=1&watch=0', 'plain LIST cluster'],
  ['/api/v1/watch/pods', 'legacy LIST cluster'],
  ['/api/v1/watch/pods?allowWatchBookmarks=true', 'legacy LIST cluster'],
  ['/api/v1/watch/pods?watch=false', 'legacy LIST cluster'],
  // This one every version has right: it looks at the query.
  ['/api/v1/watch/pods?watch=true', 'plain LIST cluster'],
  ['/api/v1/watch/namespaces/a/pods', 'legacy LIST namespace'],
  ['/api/v1/watch/namespaces/a/pods/p', 'legacy GET resource'],
  ['//api/v1/watch/nodes/n1?watch=true', 'legacy GET resource'],
  ['/apis/apps/v1/watch/deployments', 'legacy LIST cluster'],
  ['/api/v1/nodes?fieldSelector=metadata.name%3Dn1&watch=1', 'named GET resource'],
  ['/apis/x.io/v1/namespaces/a/things?fieldSelector=metadata.name=t&watch=1', 'named GET resource'],
])('%s is filed under %s by whoever takes it for none', (path, form) => {
  expect(formsOf(path)).toBe(form);
});

test('nothing is kept before somebody wants it', () => {
  const served = new ServedWatches();
  served.add(parseRequestInfo('GET', '/api/v1/watch/pods'), 1, 2);
  expect(served.take()).toEqual([]);
});

test('each stream at an endpoint is a watch there, from its request to its end', () => {
  const bench = new WatchBench(2);
  for (const { served } of bench.endpoints) served.collecting = true;
  const { first, opened } = bench.carry(0);
  bench.pass(5000);
  first.data('{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9"}}}\n');
  first.lose();
  bench.pass(10);
  opened[0]?.stream.answer();
  bench.pass(2000);
  opened[0]?.stream.end();
  bench.pass(1000);
  const lengths = bench.endpoints.map(({ served }) =>
    served.take().map(({ openedAtMs, endedAtMs }) => Math.round(endedAtMs - openedAtMs)),
  );
  expect(lengths[0]).toEqual([5000]);
  // Opened with the next turn of the registry, 10 ms before its answer.
  expect(lengths[1]?.[0]).toBeGreaterThanOrEqual(2000);
  expect(lengths[1]?.[0]).toBeLessThanOrEqual(2011);
});

test('a watch that was refused is none', () => {
  const bench = new WatchBench(2);
  for (const { served } of bench.endpoints) served.collecting = true;
  const { first, opened } = bench.carry(0);
  first.lose();
  bench.pass(10);
  opened[0]?.stream.answer(403);
  expect(bench.at(0).served.take()).toHaveLength(1);
  expect(bench.at(1).served.take()).toEqual([]);
});

test('what another process has kept is taken in, by whoever wants it', () => {
  const worker = new ServedWatches();
  worker.collecting = true;
  worker.add(parseRequestInfo('GET', '/api/v1/watch/pods'), 1, 2);
  // As it arrives: by way of JSON.
  const sent = JSON.parse(JSON.stringify(worker.take()));
  expect(worker.take()).toEqual([]);
  const primary = new ServedWatches();
  primary.append(sent);
  expect(primary.take()).toEqual([]);
  primary.collecting = true;
  primary.append(sent);
  primary.append(sent);
  expect(primary.take()).toEqual([...sent, ...sent]);
});
