// What a watch looks like from its client's side, and what the replicas' watches say of each other.
import { expect, test } from 'vitest';
import { recordOf } from './support/records.ts';
import { bring, frameOf, PODS, startMetrics as start, take } from './support/watches.ts';

test('an event is counted with its size, and late by what lies between first byte and socket', async () => {
  const { at, open, read } = start();
  const record = open();
  bring(record, frameOf('ADDED', { length: 1500 }), 2000);
  at(2003);
  take(record);
  const exposition = await read();
  const pods = { group: '', resource: 'pods' };
  expect(exposition.sum('apiserver_watch_events_total', { ...pods, version: 'v1' })).toBe(1);
  expect(exposition.sum('apiserver_watch_events_sizes_sum', pods)).toBe(1500);
  const name = 'evenkeel_watch_event_latency_seconds';
  expect(exposition.sum(`${name}_sum`, pods)).toBeCloseTo(0.003);
  expect(exposition.sum(`${name}_count`, pods)).toBe(1);
});

test('an event counts as delivered with its last byte, each for itself', async () => {
  const { at, open, read } = start();
  const record = open();
  bring(record, frameOf('ADDED'), 2000);
  bring(record, frameOf('ADDED'), 2001);
  bring(record, frameOf('ADDED'), 2002);
  at(2010);
  take(record, 199);
  const name = 'evenkeel_watch_event_latency_seconds';
  const some = await read();
  expect([some.sum(`${name}_count`), some.sum(`${name}_sum`)]).toEqual([1, 0.01]);
  at(2011);
  take(record, 300);
  const all = await read();
  expect(all.sum(`${name}_count`)).toBe(3);
  expect(all.sum(`${name}_sum`)).toBeCloseTo(0.01 + 0.01 + 0.009);
});

test('of very many events that wait at once none is lost and none is too fast', async () => {
  const { at, open, read } = start();
  const record = open();
  for (let i = 0; i < 1000; i += 1) bring(record, frameOf('ADDED'), 2000 + i);
  at(5000);
  take(record);
  const name = 'evenkeel_watch_event_latency_seconds';
  const exposition = await read();
  expect(exposition.sum(`${name}_count`)).toBe(1000);
  expect(exposition.sum(`${name}_bucket`, { le: '1' })).toBe(0);
});

test('a bookmark that only the door has asked for is no event of the client', async () => {
  const { open, read } = start();
  const record = open();
  record.meter?.event(frameOf('BOOKMARK'), 2000, false);
  record.meter?.event(frameOf('BLANK'), 2000, true);
  expect((await read()).sum('apiserver_watch_events_total')).toBe(0);
});

test('header, first event and the end of the initial ones are timed from the entry', async () => {
  const { open, read } = start();
  const record = open('GET /api/v1/namespaces/d/pods?watch=1&sendInitialEvents=true');
  bring(record, frameOf('ADDED'), 1020);
  bring(record, frameOf('ADDED'), 1030);
  bring(record, frameOf('BOOKMARK', { initialEventsEnd: true }), 1040);
  const exposition = await read();
  const labels = { endpoint: 'cp-1', resource: 'pods' };
  expect(exposition.sum('evenkeel_watch_header_duration_seconds_sum', labels)).toBe(0.004);
  expect(exposition.sum('evenkeel_watch_first_event_duration_seconds_sum', labels)).toBe(0.02);
  const list = { version: 'v1', resource: 'pods', scope: 'namespace' };
  expect(exposition.sum('apiserver_watch_list_duration_seconds_sum', list)).toBe(0.04);
});

test('open watches are shown where they are, and a move with where from and where to', async () => {
  const { metrics, open, read } = start();
  const name = 'evenkeel_watches';
  const [one] = [open(), open(), open('GET /apis/apps/v1/deployments?watch=1', 'cp-2')];
  const before = await read();
  expect(before.sum(name, { endpoint: 'cp-1', resource: 'pods' })).toBe(2);
  expect(before.sum(name, { endpoint: 'cp-2', group: 'apps' })).toBe(1);
  one?.meter?.moved('rebalance', 'cp-2');
  if (one !== undefined) one.endpoint = 'cp-2';
  const after = await read();
  expect(after.sum(name, { endpoint: 'cp-1', resource: 'pods' })).toBe(1);
  expect(after.sum(name, { endpoint: 'cp-2', resource: 'pods' })).toBe(1);
  const move = { reason: 'rebalance', from: 'cp-1', to: 'cp-2' };
  expect(after.sum('evenkeel_watch_moves_total', move)).toBe(1);
  if (one !== undefined) metrics.left(one, 9000);
  expect((await read()).sum(name, { resource: 'pods' })).toBe(1);
});

test('very many open watches are counted in slices, and those that end meanwhile are left out', async () => {
  const { metrics, open, read } = start();
  const records = Array.from({ length: 10_000 }, () => open());
  let turns = 0;
  setImmediate(() => {
    turns += 1;
    // From both ends of the list, so that the places of others change.
    for (const record of [...records.slice(0, 500), ...records.slice(-500)]) {
      metrics.left(record, 9000);
    }
  });
  const during = (await read()).sum('evenkeel_watches') ?? 0;
  expect(turns).toBe(1);
  // The first slice was counted before they left.
  expect(during).toBeGreaterThanOrEqual(9000);
  expect(during).toBeLessThanOrEqual(9500);
  const after = await read();
  expect(after.sum('evenkeel_watches')).toBe(9000);
  expect(after.sum('apiserver_longrunning_requests')).toBe(9000);
  expect(after.sum('evenkeel_watch_header_duration_seconds_count')).toBe(10_000);
});

test('a client that leaves an event untaken for a second is slow until it has taken it', async () => {
  const { at, open, read } = start();
  const record = open();
  bring(record, frameOf('ADDED'), 2000);
  const name = 'evenkeel_watch_slow_consumers';
  at(2900);
  expect((await read()).sum(name)).toBe(0);
  at(3100);
  expect((await read()).sum(name)).toBe(1);
  take(record);
  expect((await read()).sum(name)).toBe(0);
});

test('ends are counted by their reason, all of which are shown from the start', async () => {
  const { metrics, open, read } = start();
  const name = 'evenkeel_watch_ends_total';
  expect((await read()).find(name).length).toBeGreaterThan(10);
  metrics.left(open(), 3000);
  metrics.left({ ...open(), failure: 'upstream_lost' }, 3000);
  const refused = recordOf(PODS, { status: 403 });
  metrics.entered(refused);
  metrics.left(refused, 1002);
  const exposition = await read();
  expect(exposition.sum(name, { reason: 'complete' })).toBe(1);
  expect(exposition.sum(name, { reason: 'upstream_lost' })).toBe(1);
  expect(exposition.sum(name)).toBe(2);
});

test('a replica is late by what lies between the first one and it', async () => {
  const { open, read } = start();
  const [first, second, other] = [open(PODS, 'cp-1'), open(PODS, 'cp-2'), open(PODS, 'cp-2')];
  const change = frameOf('MODIFIED', { resourceVersion: '500' });
  if (!first || !second || !other) throw new Error('no watch');
  bring(first, change, 3000);
  bring(second, change, 3007);
  // Another watch of the same replica is no news.
  bring(other, change, 3900);
  const name = 'evenkeel_replica_event_lag_seconds';
  const exposition = await read();
  expect(
    exposition.find(`${name}_sum`).map(({ labels, value }) => [labels.endpoint, value]),
  ).toEqual([
    ['cp-1', 0],
    ['cp-2', 0.007],
  ]);
  expect(exposition.sum(`${name}_count`)).toBe(1);
});

test('a replica is behind by the changes that only others have brought', async () => {
  const { metrics, open, read } = start();
  const [first, second] = [open(PODS, 'cp-1'), open(PODS, 'cp-2')];
  if (!first || !second) throw new Error('no watch');
  for (const version of ['500', '501', '502']) {
    bring(first, frameOf('MODIFIED', { resourceVersion: version }), 3000);
  }
  bring(second, frameOf('DELETED', { resourceVersion: '500' }), 3000);
  const name = 'evenkeel_replica_events_behind';
  const exposition = await read();
  expect(exposition.sum(name, { endpoint: 'cp-1', resource: 'pods' })).toBe(0);
  expect(exposition.sum(name, { endpoint: 'cp-2', resource: 'pods' })).toBe(2);
  // A bookmark says how far it is, though it is no change.
  second.meter?.event(frameOf('BOOKMARK', { resourceVersion: '502' }), 3001, false);
  expect((await read()).sum(name, { endpoint: 'cp-2' })).toBe(0);
  metrics.left(second, 9000);
  expect((await read()).find(name).map(({ labels }) => labels.endpoint)).toEqual(['cp-1']);
});

test.each([
  ['initial objects', PODS, 'ADDED', 3000],
  ['history after a beginning', PODS, 'MODIFIED', 1500],
  ['what a selector has let through', `${PODS}&labelSelector=a%3Db`, 'MODIFIED', 3000],
  ['one namespace', 'GET /api/v1/namespaces/d/pods?watch=1', 'MODIFIED', 3000],
] as const)('%s says nothing about a replica', async (_what, request, type, atMs) => {
  const { open, read } = start();
  for (const endpoint of ['cp-1', 'cp-2']) {
    bring(open(request, endpoint), frameOf(type, { resourceVersion: '500' }), atMs);
  }
  expect((await read()).sum('evenkeel_replica_event_lag_seconds_count') ?? 0).toBe(0);
});
