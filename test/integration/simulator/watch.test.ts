import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Simulator, startSimulator } from '../../../simulator/cluster.ts';
import { connectTo, send, type WatchEvent, watch } from './client.ts';
import { replicaOf, until } from './support.ts';

let simulator: Simulator;
const configMaps = '/api/v1/namespaces/default/configmaps';

beforeAll(async () => {
  simulator = await startSimulator({ bookmarkIntervalMs: 100, freshnessTimeoutMs: 200 });
});

afterAll(() => simulator.stop());

async function open(index = 0) {
  return connectTo(replicaOf(simulator, index).url, simulator.pki);
}

function named(name: string, type?: string) {
  return (event: WatchEvent) =>
    event.object.metadata?.name === name && (type === undefined || event.type === type);
}

test('a list and a watch from its revision show every later change once, in order', async () => {
  const writer = await open(0);
  const reader = await open(1);
  const list = await send(reader, { path: configMaps });
  const rv = list.body?.metadata?.resourceVersion ?? '';
  const changes = await watch(reader, `${configMaps}?watch=1&resourceVersion=${rv}`);
  await send(writer, { method: 'POST', path: configMaps, body: { metadata: { name: 'one' } } });
  await send(writer, {
    method: 'PATCH',
    path: `${configMaps}/one`,
    headers: { 'content-type': 'application/merge-patch+json' },
    body: { data: { a: '1' } },
  });
  await send(writer, { method: 'DELETE', path: `${configMaps}/one` });
  await changes.next(named('one', 'DELETED'));
  expect(changes.events.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED', 'DELETED']);
  const versions = changes.events.map(({ object }) => Number(object.metadata?.resourceVersion));
  expect(versions).toEqual([Number(rv) + 1, Number(rv) + 2, Number(rv) + 3]);
  expect(changes.events[0]?.object).toMatchObject({ kind: 'ConfigMap', apiVersion: 'v1' });
  writer.destroy();
  reader.destroy();
});

test('an object that leaves the selection is DELETED for its watcher, at the new revision', async () => {
  const session = await open();
  const selected = await watch(session, `${configMaps}?watch=1&labelSelector=colour=red`);
  simulator.create('configmaps', { metadata: { name: 'red', labels: { colour: 'red' } } });
  await selected.next(named('red', 'ADDED'));
  const changed = await send(session, {
    method: 'PATCH',
    path: `${configMaps}/red`,
    headers: { 'content-type': 'application/merge-patch+json' },
    body: { metadata: { labels: { colour: 'blue' } } },
  });
  const left = await selected.next(named('red', 'DELETED'));
  expect(left.object.metadata?.resourceVersion).toBe(changed.body?.metadata?.resourceVersion);
  expect(left.object.metadata).toMatchObject({ labels: { colour: 'red' } });
  session.destroy();
});

test('bookmarks come only to those who ask, with the newest revision', async () => {
  const session = await open();
  const path = `${configMaps}?watch=1&timeoutSeconds=1&resourceVersion=${simulator.store.revision}`;
  const asked = await watch(session, `${path}&allowWatchBookmarks=true`);
  const silent = await watch(session, path);
  simulator.create('secrets', { metadata: { name: 'elsewhere' } });
  const newest = String(simulator.store.revision);
  const bookmark = await asked.next(
    ({ type, object }) => type === 'BOOKMARK' && object.metadata?.resourceVersion === newest,
  );
  expect(bookmark.object.kind).toBe('ConfigMap');
  // Both end by themselves, cleanly, after their timeoutSeconds.
  expect([await asked.ended, await silent.ended]).toEqual([0, 0]);
  expect(silent.events).toEqual([]);
  session.destroy();
});

test('sendInitialEvents streams what exists and closes it with the annotated bookmark', async () => {
  simulator.create('leases', { metadata: { name: 'initial' } });
  const session = await open();
  const leases = '/apis/coordination.k8s.io/v1/leases?watch=1';
  const stream = await watch(
    session,
    `${leases}&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`,
  );
  const end = await stream.next(({ type }) => type === 'BOOKMARK');
  expect(stream.events[0]).toMatchObject({
    type: 'ADDED',
    object: { metadata: { name: 'initial' } },
  });
  expect(end.object.metadata?.annotations).toEqual({ 'k8s.io/initial-events-end': 'true' });
  const refused = await send(session, { path: `${leases}&sendInitialEvents=true` });
  expect(refused.status).toBe(422);
  session.destroy();
});

test('a fresh replica refuses the past in band, with 200 and an ERROR 410', async () => {
  simulator.create('configmaps', { metadata: { name: 'before' } });
  const past = simulator.store.revision - 1;
  replicaOf(simulator, 2).kill();
  await replicaOf(simulator, 2).restart();
  const fresh = await open(2);
  const refused = await watch(fresh, `${configMaps}?watch=1&resourceVersion=${past}`);
  expect(await refused.ended).toBe(0);
  expect(refused.events).toHaveLength(1);
  expect(refused.events[0]).toMatchObject({
    type: 'ERROR',
    object: { kind: 'Status', code: 410, reason: 'Expired' },
  });
  const old = await open(1);
  const accepted = await watch(old, `${configMaps}?watch=1&resourceVersion=${past}`);
  await accepted.next(named('before', 'ADDED'));
  fresh.destroy();
  old.destroy();
});

test('a lagging replica shows changes late, and refuses reads of what it has not seen', async () => {
  const lagging = replicaOf(simulator, 1);
  const session = await open(1);
  lagging.lag(60_000);
  simulator.create('configmaps', { metadata: { name: 'late' } });
  const newest = simulator.store.revision;
  // A watch from its future is fine: it waits.
  const changes = await watch(session, `${configMaps}?watch=1&resourceVersion=${newest - 1}`);
  const tooNew = await send(session, { path: `${configMaps}?resourceVersion=${newest}` });
  expect(tooNew.status).toBe(504);
  expect(tooNew.headers['retry-after']).toBe('1');
  expect(tooNew.body).toMatchObject({
    reason: 'Timeout',
    details: { causes: [{ reason: 'ResourceVersionTooLarge' }], retryAfterSeconds: 1 },
  });
  const stale = await send(session, { path: `${configMaps}/late?resourceVersion=0` });
  expect(stale.status).toBe(404);
  expect((await send(session, { path: `${configMaps}/late` })).status).toBe(200);
  lagging.lag(0);
  await changes.next(named('late', 'ADDED'));
  session.destroy();
});

test('protobuf watches are framed by length, with the revision where a proxy looks for it', async () => {
  const session = await open();
  const stream = session.request({
    ':path': `${configMaps}?watch=1&resourceVersion=${simulator.store.revision}`,
    accept: 'application/vnd.kubernetes.protobuf;stream=watch,application/json',
  });
  const [head] = await once(stream, 'response');
  expect(head['content-type']).toBe('application/vnd.kubernetes.protobuf;stream=watch');
  const created = simulator.create('configmaps', { metadata: { name: 'framed' } });
  const [frame] = (await once(stream, 'data')) as [Buffer];
  expect(frame.readUInt32BE(0)).toBe(frame.length - 4);
  const magicAt = frame.indexOf('k8s\0');
  expect(frame.subarray(4, 11).toString()).toBe('\n\x05ADDED');
  expect(magicAt).toBeGreaterThan(0);
  // Field 6 of ObjectMeta, length-delimited: 0x32.
  const version = created.metadata.resourceVersion;
  const field = Buffer.concat([Buffer.from([0x32, version.length]), Buffer.from(version)]);
  expect(frame.indexOf(field)).toBeGreaterThan(magicAt);
  session.destroy();
});

test('watches are gone from the counters when their client is', async () => {
  const replica = replicaOf(simulator, 0);
  await until(() => replica.stats().openWatches === 0);
  const session = await open();
  const first = await watch(session, `${configMaps}?watch=1`);
  await watch(session, `${configMaps}?watch=1`);
  expect(replica.stats().openWatches).toBe(2);
  first.cancel();
  await until(() => replica.stats().openWatches === 1);
  session.destroy();
  await until(() => replica.stats().openWatches === 0);
});
