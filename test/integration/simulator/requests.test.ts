import { once } from 'node:events';
import type { ClientHttp2Session } from 'node:http2';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Simulator, startSimulator } from '../../../simulator/cluster.ts';
import { type Body, connectTo, send } from './client.ts';
import { replicaOf, until } from './support.ts';

let simulator: Simulator;
let session: ClientHttp2Session;
const configMaps = '/api/v1/namespaces/default/configmaps';
const mergePatch = { 'content-type': 'application/merge-patch+json' };

beforeAll(async () => {
  simulator = await startSimulator({ replicas: 2, storeHistorySize: 50, logIntervalMs: 30 });
  session = await connectTo(replicaOf(simulator).url, simulator.pki);
});

afterAll(async () => {
  session.destroy();
  await simulator.stop();
});

beforeEach(async () => {
  await send(session, { method: 'DELETE', path: configMaps });
});

function names(body: Body | undefined): (string | undefined)[] {
  return (body?.items ?? []).map(({ metadata }) => metadata?.name);
}

test('an object is created, read, updated, patched and deleted', async () => {
  const created = await send(session, {
    method: 'POST',
    path: configMaps,
    body: { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'a' }, data: { x: '1' } },
  });
  expect(created.status).toBe(201);
  expect(created.body?.metadata).toMatchObject({ name: 'a', namespace: 'default' });
  const updated = await send(session, {
    method: 'PUT',
    path: `${configMaps}/a`,
    body: { ...created.body, data: { x: '2' } },
  });
  expect(updated.status).toBe(200);
  const lost = await send(session, { method: 'PUT', path: `${configMaps}/a`, body: created.body });
  expect([lost.status, lost.body?.reason]).toEqual([409, 'Conflict']);
  const patched = await send(session, {
    method: 'PATCH',
    path: `${configMaps}/a`,
    headers: mergePatch,
    body: { data: { y: '3' } },
  });
  expect(patched.body?.data).toEqual({ x: '2', y: '3' });
  const same = await send(session, {
    method: 'PATCH',
    path: `${configMaps}/a`,
    headers: mergePatch,
    body: { data: { y: '3' } },
  });
  expect(same.body?.metadata?.resourceVersion).toBe(patched.body?.metadata?.resourceVersion);
  const deleted = await send(session, { method: 'DELETE', path: `${configMaps}/a` });
  expect(deleted.body).toMatchObject({ kind: 'Status', status: 'Success' });
  const gone = await send(session, { path: `${configMaps}/a` });
  expect([gone.status, gone.body?.message]).toEqual([404, 'configmaps "a" not found']);
});

test('apply creates what is missing and merges into what is there', async () => {
  const apply = (data: object) =>
    send(session, {
      method: 'PATCH',
      path: `${configMaps}/applied?fieldManager=test`,
      headers: { 'content-type': 'application/apply-patch+yaml' },
      body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'applied' }, data },
    });
  expect((await apply({ a: '1' })).status).toBe(201);
  const again = await apply({ b: '2' });
  expect([again.status, again.body?.data]).toEqual([200, { a: '1', b: '2' }]);
});

test('generateName makes a name that is free', async () => {
  const create = () =>
    send(session, { method: 'POST', path: configMaps, body: { metadata: { generateName: 'g-' } } });
  const [first, second] = [await create(), await create()];
  expect(first.body?.metadata?.name).toMatch(/^g-[0-9a-z]{5}$/);
  expect(second.body?.metadata?.name).not.toBe(first.body?.metadata?.name);
});

test('status and the rest are written through their own paths', async () => {
  const pods = '/api/v1/namespaces/default/pods';
  simulator.create('pods', { metadata: { name: 'p' }, spec: { nodeName: 'n' } });
  const phase = await send(session, {
    method: 'PATCH',
    path: `${pods}/p/status`,
    headers: mergePatch,
    body: { spec: { nodeName: 'other' }, status: { phase: 'Running' } },
  });
  expect(phase.body).toMatchObject({ spec: { nodeName: 'n' }, status: { phase: 'Running' } });
  const label = await send(session, {
    method: 'PATCH',
    path: `${pods}/p`,
    headers: mergePatch,
    body: { metadata: { labels: { a: 'b' } }, status: { phase: 'Failed' } },
  });
  expect(label.body).toMatchObject({
    metadata: { labels: { a: 'b' } },
    status: { phase: 'Running' },
  });
  const byNode = await send(session, { path: '/api/v1/pods?fieldSelector=spec.nodeName=n' });
  expect(names(byNode.body)).toEqual(['p']);
});

test('pages are of one revision: what changes in between is not seen', async () => {
  for (const name of ['a', 'b', 'c', 'd', 'e'])
    simulator.create('configmaps', { metadata: { name } });
  const first = await send(session, { path: `${configMaps}?limit=2` });
  expect(names(first.body)).toEqual(['a', 'b']);
  expect(first.body?.metadata?.remainingItemCount).toBe(3);
  simulator.create('configmaps', { metadata: { name: 'ba' } });
  simulator.store.delete('configmaps', 'default/d');
  const token = encodeURIComponent(first.body?.metadata?.continue ?? '');
  // Another replica continues it: the token is all there is.
  const other = await connectTo(replicaOf(simulator, 1).url, simulator.pki);
  const rest = await send(other, { path: `${configMaps}?limit=10&continue=${token}` });
  expect(names(rest.body)).toEqual(['c', 'd', 'e']);
  expect(rest.body?.metadata?.resourceVersion).toBe(first.body?.metadata?.resourceVersion);
  expect(rest.body?.metadata?.continue).toBeUndefined();
  other.destroy();
});

test('a token that is too old is a 410 with a token to go on inconsistently', async () => {
  for (const name of ['a', 'b', 'c']) simulator.create('configmaps', { metadata: { name } });
  const first = await send(session, { path: `${configMaps}?limit=1` });
  simulator.store.compact(simulator.store.revision);
  simulator.create('configmaps', { metadata: { name: 'd' } });
  simulator.store.compact(simulator.store.revision);
  const token = first.body?.metadata?.continue ?? '';
  const refused = await send(session, { path: `${configMaps}?continue=${token}` });
  expect([refused.status, refused.body?.reason]).toEqual([410, 'Expired']);
  const rest = await send(session, {
    path: `${configMaps}?continue=${refused.body?.metadata?.continue}`,
  });
  expect(names(rest.body)).toEqual(['b', 'c', 'd']);
  const broken = await send(session, { path: `${configMaps}?continue=broken` });
  expect(broken.status).toBe(400);
});

test('a body of more than 3 MiB is refused with the real words, and the connection lives on', async () => {
  const body = { metadata: { name: 'big' }, data: { x: 'x'.repeat(5 * 1024 * 1024) } };
  const refused = await send(session, { method: 'POST', path: configMaps, body });
  expect([refused.status, refused.body?.message]).toEqual([
    413,
    'Request entity too large: limit is 3145728',
  ]);
  const fine = { metadata: { name: 'fine' }, data: { x: 'x'.repeat(1024 * 1024) } };
  expect((await send(session, { method: 'POST', path: configMaps, body: fine })).status).toBe(201);
});

test('deleting a namespace takes its contents along', async () => {
  simulator.create('namespaces', { metadata: { name: 'short' } });
  simulator.create('secrets', { metadata: { name: 's', namespace: 'short' } });
  const deleted = await send(session, { method: 'DELETE', path: '/api/v1/namespaces/short' });
  expect(deleted.status).toBe(200);
  expect((await send(session, { path: '/api/v1/namespaces/short/secrets/s' })).status).toBe(404);
  const late = await send(session, {
    method: 'POST',
    path: '/api/v1/namespaces/short/secrets',
    body: { metadata: { name: 't' } },
  });
  expect(late.body?.message).toBe('namespaces "short" not found');
});

test('a log is text, and a log of no pod is a 404', async () => {
  simulator.create('pods', { metadata: { name: 'talker' } });
  const answer = await send(session, { path: `${logOf('talker')}?tailLines=2` });
  expect(answer.text).toBe('line 1 of talker\nline 2 of talker\n');
  expect((await send(session, { path: logOf('nobody') })).status).toBe(404);
});

test('a followed log grows until the replica ends it, cleanly', async () => {
  simulator.create('pods', { metadata: { name: 'follower' } });
  const stream = session.request({ ':path': `${logOf('follower')}?tailLines=1&follow=true` });
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    text += chunk;
  });
  const ended = once(stream, 'end');
  await until(() => text.includes('line 3 of follower\n'));
  replicaOf(simulator).endWatches();
  await ended;
  expect(text.startsWith('line 1 of follower\nline 2 of follower\n')).toBe(true);
});

function logOf(pod: string): string {
  return `/api/v1/namespaces/default/pods/${pod}/log`;
}
