// SIGTERM: the door tells everybody in good order, and clients notice no more than a re-watch.
import { once } from 'node:events';
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import { expect, vi } from 'vitest';
import type { DoorProcess } from '../../tools/door.ts';
import { adminPage, endpointReports } from './support/admin.ts';
import { useCluster } from './support/cluster.ts';
import { exchange, openSession, type Target } from './support/exchange.ts';
import { rawHttp2 } from './support/raw-client.ts';

const { test, cluster } = useCluster({ replicas: 2 });

const WATCHES = 30;
const MAPS = '/api/v1/namespaces/default/configmaps';
/** client-go lists anew when a watch without an event ends sooner. */
const MIN_WATCH_MS = 1000;
const JSON_TYPE = { 'content-type': 'application/json' };

function targetOf({ url }: Pick<DoorProcess, 'url'>): Target {
  const { pki } = cluster();
  return { url, ca: pki.clusterCa.cert, identity: { certificate: pki.admin } };
}

interface Watched {
  readonly event: Promise<unknown>;
  readonly ended: Promise<{ clean: boolean; resetCode: number; ageMs: number; endedAtMs: number }>;
}

/** A watch that shows no event unless something is made after `version`. */
async function watch(session: ClientHttp2Session, version: string): Promise<Watched> {
  // Before the request, as client-go takes the time.
  const openedAtMs = performance.now();
  const stream = session.request({ ':path': `${MAPS}?watch=true&resourceVersion=${version}` });
  await once(stream, 'response');
  let clean = false;
  stream.on('error', () => undefined);
  stream.on('end', () => {
    clean = true;
  });
  const event = once(stream, 'data');
  event.catch(() => undefined);
  const ended = once(stream, 'close').then(() => ({
    clean,
    resetCode: stream.rstCode ?? 0,
    ageMs: performance.now() - openedAtMs,
    endedAtMs: performance.now(),
  }));
  return { event, ended };
}

async function currentVersion(): Promise<string> {
  const { body } = await exchange('h2', targetOf(cluster().direct), { path: MAPS });
  return JSON.parse(body.toString()).metadata.resourceVersion;
}

async function untilWatching(door: DoorProcess, count: number): Promise<void> {
  await vi.waitFor(async () => {
    const reports = await endpointReports(door);
    expect(reports.reduce((sum, { watches }) => sum + watches, 0)).toBe(count);
  }, 10_000);
}

async function create(name: string): Promise<void> {
  const body = JSON.stringify({ metadata: { name } });
  const spec = { method: 'POST', path: MAPS, headers: JSON_TYPE, body };
  expect((await exchange('h2', targetOf(cluster().direct), spec)).status).toBe(201);
}

/** Sends the head of a create and a part of its body; the rest is for later. */
function beginCreate(session: ClientHttp2Session, name: string): [ClientHttp2Stream, string] {
  const body = JSON.stringify({ metadata: { name } });
  const stream = session.request({
    ':method': 'POST',
    ':path': MAPS,
    ...JSON_TYPE,
    'content-length': body.length,
  });
  stream.on('error', () => undefined);
  stream.write(body.slice(0, 10));
  return [stream, body.slice(10)];
}

test('watches end with END_STREAM, and what is under way is finished', async () => {
  const door = await cluster().openDoor('drained', {
    drain: { timeout: '20s', watchSpread: '2s' },
  });
  const session = await openSession(targetOf(door));
  const goaways: [code: number, lastStreamId: number][] = [];
  session.on('goaway', (code, lastStreamId) => goaways.push([code, lastStreamId]));
  const version = await currentVersion();
  const watches: Watched[] = [];
  for (let i = 0; i < WATCHES; i++) watches.push(await watch(session, version));
  await create('seen-by-all');
  await Promise.all(watches.map(({ event }) => event));
  const young = await watch(session, await currentVersion());
  // Node's client does not tell RST_STREAM with NO_ERROR from END_STREAM; client-go does.
  const raw = Array.from({ length: 3 }, () =>
    rawHttp2(targetOf(door), {
      method: 'GET',
      path: `${MAPS}?watch=true&resourceVersion=${version}`,
      fields: [],
    }),
  );
  await untilWatching(door, WATCHES + 1 + raw.length);
  const [upload, rest] = beginCreate(session, 'under-way');
  const created = once(upload, 'response');
  expect((await adminPage(door, '/readyz')).status).toBe(200);

  // To that one process, and without waiting for its end.
  process.kill(door.child.pid, 'SIGTERM');
  await vi.waitFor(async () => expect((await adminPage(door, '/readyz')).status).toBe(503));
  expect((await adminPage(door, '/livez')).status).toBe(200);
  expect((await adminPage(door, '/metrics')).body).toMatch(/^# HELP /m);
  await expect(exchange('h2', targetOf(door), { path: '/version' })).rejects.toThrow(
    /ECONNREFUSED/,
  );

  const ends = await Promise.all(watches.map(({ ended }) => ended));
  const youngEnd = await young.ended;
  expect([...ends, youngEnd].filter((end) => !end.clean || end.resetCode !== 0)).toEqual([]);
  expect(youngEnd.ageMs).toBeGreaterThan(MIN_WATCH_MS);
  for (const end of await Promise.all(raw)) expect(end).toHaveProperty('body');
  // Spread, so that their clients do not all come back at one moment.
  const times = ends.map(({ endedAtMs }) => endedAtMs);
  expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(WATCHES * 10);

  expect(door.child.running).toBe(true);
  upload.end(rest);
  const [response] = await created;
  expect(response[':status']).toBe(201);
  expect(await door.child.exited).toBe('exit code 0');
  // The first tells the client to open nothing more, and takes what is on its way (RFC 9113, 6.8).
  expect(goaways[0]).toEqual([0, 2 ** 31 - 1]);
  expect(goaways.map(([code]) => code)).toEqual(goaways.map(() => 0));
});

test('a watch over HTTP/1.1 ends with its last chunk', async () => {
  const door = await cluster().openDoor('drained-http1', {
    drain: { timeout: '20s', watchSpread: '1s' },
  });
  const path = `${MAPS}?watch=true&resourceVersion=0&allowWatchBookmarks=true`;
  const watched = exchange('http/1.1', targetOf(door), { path });
  await untilWatching(door, 1);
  process.kill(door.child.pid, 'SIGTERM');
  expect(await watched).toMatchObject({ status: 200, end: 'end' });
  expect(await door.child.exited).toBe('exit code 0');
});

test('a client that never finishes is cut off at the deadline', async () => {
  const door = await cluster().openDoor('deadline', {
    drain: { timeout: '2s', watchSpread: '100ms' },
  });
  const session = await openSession(targetOf(door));
  const [upload] = beginCreate(session, 'never');
  const closed = once(upload, 'close');
  const quiet = await openSession(targetOf(door));
  const beganAtMs = performance.now();
  process.kill(door.child.pid, 'SIGTERM');
  // A connection without a request has nothing to wait for.
  await once(quiet, 'close');
  expect(performance.now() - beganAtMs).toBeLessThan(1500);
  expect(await door.child.exited).toBe('exit code 0');
  const tookMs = performance.now() - beganAtMs;
  expect(tookMs).toBeGreaterThan(1900);
  expect(tookMs).toBeLessThan(6000);
  await closed;
});
