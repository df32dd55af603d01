import { once } from 'node:events';
import { Agent, request as httpsRequest } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Simulator, startSimulator } from '../../../simulator/cluster.ts';
import { connectTo, send, watch } from './client.ts';
import { replicaOf, until } from './support.ts';

let simulator: Simulator;
const configMaps = '/api/v1/namespaces/default/configmaps';

beforeEach(async () => {
  simulator = await startSimulator({ replicas: 2 });
});

afterEach(() => simulator.stop());

function open(index = 0) {
  return connectTo(replicaOf(simulator, index).url, simulator.pki);
}

async function isRefused(port: number): Promise<boolean> {
  const socket = connectTcp(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ECONNREFUSED';
  } finally {
    socket.destroy();
  }
}

test('kill drops connections and refuses new ones; restart takes the same port', async () => {
  const replica = replicaOf(simulator);
  const session = await open();
  const changes = await watch(session, `${configMaps}?watch=1`);
  replica.kill();
  await Promise.all([once(session, 'close'), changes.ended]);
  expect(await isRefused(replica.port)).toBe(true);
  expect(replica.stats()).toMatchObject({ running: false, openWatches: 0 });
  await replica.restart();
  const again = await open();
  expect((await send(again, { path: '/readyz' })).status).toBe(200);
  again.destroy();
});

test('a frozen replica accepts and keeps connections, and says nothing, not even to a PING', async () => {
  const replica = replicaOf(simulator);
  const session = await open();
  const changes = await watch(session, `${configMaps}?watch=1`);
  replica.freeze();
  let pongs = 0;
  session.ping(() => pongs++);
  simulator.create('configmaps', { metadata: { name: 'unseen' } });
  const pending = send(session, { path: '/readyz' });
  const late = connectTo(replica.url, simulator.pki);
  // The other replica's round trips give the frozen one every chance to answer.
  const other = await open(1);
  for (let round = 0; round < 20; round++) await send(other, { path: '/readyz' });
  await until(() => replica.stats().connectionsAccepted === 2);
  expect([pongs, changes.events.length, session.closed]).toEqual([0, 0, false]);
  replica.thaw();
  expect((await pending).status).toBe(200);
  await changes.next(({ type }) => type === 'ADDED');
  await until(() => pongs === 1);
  (await late).destroy();
  session.destroy();
  other.destroy();
});

test('reset ends connections with a TCP reset, and new ones are welcome', async () => {
  const replica = replicaOf(simulator);
  const socket = connectTcp(replica.port, '127.0.0.1');
  await once(socket, 'connect');
  await until(() => replica.stats().openConnections === 1);
  replica.reset();
  const [error] = await once(socket, 'error');
  expect((error as NodeJS.ErrnoException).code).toBe('ECONNRESET');
  const session = await open();
  expect((await send(session, { path: '/readyz' })).status).toBe(200);
  session.destroy();
});

test('refuse keeps what is open and refuses what is new', async () => {
  const replica = replicaOf(simulator);
  const session = await open();
  replica.refuse();
  expect(await isRefused(replica.port)).toBe(true);
  expect((await send(session, { path: '/readyz' })).status).toBe(200);
  await replica.restart();
  expect(await isRefused(replica.port)).toBe(false);
  session.destroy();
});

test('answer gives every request one status, and leaves the health probes alone', async () => {
  const replica = replicaOf(simulator);
  const session = await open();
  replica.answer(429);
  const limited = await send(session, { path: configMaps });
  expect([limited.status, limited.headers['retry-after']]).toEqual([429, '1']);
  expect(limited.headers['x-kubernetes-pf-flowschema-uid']).toBeDefined();
  replica.answer(500);
  expect((await send(session, { path: configMaps })).body?.reason).toBe('InternalError');
  expect((await send(session, { path: '/readyz' })).status).toBe(200);
  replica.answer(undefined);
  expect((await send(session, { path: configMaps })).status).toBe(200);
  session.destroy();
});

test('a shutdown is announced, goes on for a while, rejects with 429, and ends watches cleanly', async () => {
  const replica = replicaOf(simulator);
  const session = await open();
  const other = await open();
  const changes = await watch(session, `${configMaps}?watch=1`);
  const over = replica.terminate({ delayMs: 150, sendRetryAfter: true, watchGraceMs: 150 });
  const unready = await send(session, { path: '/readyz' });
  expect([unready.status, unready.text.includes('readyz check failed')]).toEqual([500, true]);
  expect((await send(session, { path: '/livez' })).status).toBe(200);
  expect((await send(session, { path: configMaps })).status).toBe(200);

  const goaway = once(other, 'goaway');
  let rejected = await send(other, { path: configMaps });
  while (rejected.status === 200) rejected = await send(other, { path: configMaps });
  expect([rejected.status, rejected.headers['retry-after'], rejected.text]).toEqual([
    429,
    '5',
    'The apiserver is shutting down, please try again later.\n',
  ]);
  expect(rejected.headers['x-kubernetes-pf-flowschema-uid']).toBeUndefined();
  await goaway;
  expect(await changes.ended).toBe(0);
  await over;
  expect(replica.running).toBe(false);
  await replica.restart();
  const again = await open();
  expect((await send(again, { path: '/readyz' })).status).toBe(200);
  again.destroy();
});

test('HTTP/1.1 gets the same shutdown answer, with Connection: close', async () => {
  const replica = replicaOf(simulator);
  const { clusterCa, admin } = simulator.pki;
  const agent = new Agent({
    keepAlive: true,
    ca: clusterCa.cert,
    cert: admin.cert,
    key: admin.key,
  });
  const get = async (path: string) => {
    const request = httpsRequest(new URL(path, replica.url), { agent });
    request.end();
    const [response] = await once(request, 'response');
    response.resume();
    await once(response, 'end');
    return response;
  };
  expect((await get(configMaps)).headers.connection).toBe('keep-alive');
  const over = replica.terminate({ sendRetryAfter: true, watchGraceMs: 200 });
  const rejected = await get(configMaps);
  expect([rejected.statusCode, rejected.headers.connection]).toEqual([429, 'close']);
  agent.destroy();
  await over;
});
