// What the door says of its replicas' metrics, with real ones: kube-apiserver 1.34, and the apiserver
// library of 1.21.3, which files legacy watches as GET and LIST (kubernetes#104439).
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { join } from 'node:path';
import { afterAll, expect, vi } from 'vitest';
import { binaryPath, missingBinaries } from '../../tools/binaries.ts';
import { type DoorProcess, startDoor } from '../../tools/door.ts';
import { findFreePorts, waitUntilHealthy } from '../../tools/loopback.ts';
import { Exposition } from '../proxy/observe/support/exposition.ts';
import { fetchAnswer } from '../support/open-door.ts';
import { adminPage } from './support/admin.ts';
import { useCluster } from './support/cluster.ts';

const READY_LIMIT_MS = 20_000;
/** Readings are a second apart at least, and a watch is certain after two seconds. */
const WAIT = { timeout: 20_000, interval: 1100 };
const DURATION = 'apiserver_request_duration_seconds';
const MISFILED = 'evenkeel_replica_misfiled_watches';

let affected: { readonly url: string; readonly door: DoorProcess } | undefined;
const sessions: ClientHttp2Session[] = [];

const { test, cluster } = useCluster({
  binaries: ['affected-apiserver'],
  replicas: 2,
  async prepare({ directory, pki, children }) {
    const [port = 0] = await findFreePorts(1);
    const url = `https://127.0.0.1:${port}`;
    const child = children.start({
      name: 'affected-apiserver',
      command: binaryPath('affected-apiserver'),
      args: [
        `--port=${port}`,
        `--tls-cert-file=${pki.apiserver.certPath}`,
        `--tls-private-key-file=${pki.apiserver.keyPath}`,
      ],
      logPath: join(directory, 'log', 'affected-apiserver.log'),
    });
    await child.untilReady((signal) =>
      waitUntilHealthy(`${url}/readyz`, {
        ca: pki.clusterCa.cert,
        limitMs: READY_LIMIT_MS,
        signal,
      }),
    );
    const door = await startDoor({
      directory: await mkdtemp(join(directory, 'log', 'affected-door-')),
      pki,
      children,
      endpoints: [{ name: 'old', url }],
    });
    affected = { url, door };
  },
});

afterAll(() => {
  for (const session of sessions) session.destroy();
});

function session(url: string): ClientHttp2Session {
  const one = connect(url, { ca: cluster().pki.clusterCa.cert });
  one.on('error', () => {});
  sessions.push(one);
  return one;
}

/** A request as the administrator; resolves with its status when it has ended. */
async function fetchPath(to: ClientHttp2Session, path: string): Promise<number> {
  const authorization = `Bearer ${cluster().tokens.admin}`;
  return (await fetchAnswer(to, { ':path': path, authorization })).status;
}

/** A watch that has been answered and stays open. */
async function openWatch(to: ClientHttp2Session, path: string): Promise<ClientHttp2Stream> {
  const authorization = `Bearer ${cluster().tokens.admin}`;
  const stream = to.request({ ':path': path, authorization });
  stream.on('error', () => {});
  const [headers] = await once(stream, 'response');
  expect(headers[':status']).toBe(200);
  stream.resume();
  return stream;
}

async function replicasPage(door: DoorProcess): Promise<string> {
  const { status, body } = await adminPage(door, '/replicas/metrics');
  expect(status).toBe(200);
  return body;
}

/** `endpoint verb metric` of what the door says is misfiled, after one more reading. */
async function misfiled(door: DoorProcess): Promise<Record<string, number>> {
  await replicasPage(door);
  const exposition = new Exposition((await adminPage(door, '/metrics')).body);
  return Object.fromEntries(
    exposition
      .find(MISFILED)
      .filter(({ value }) => value > 0)
      .map(({ labels, value }) => [`${labels.endpoint} ${labels.verb} ${labels.metric}`, value]),
  );
}

test('1.21.3 is named for legacy watches, and its metrics have them moved, exactly', async () => {
  if (affected === undefined) throw new Error('has not started');
  const { door, url } = affected;
  const client = session(door.url);
  const seconds = 'timeoutSeconds=1';
  const statuses = await Promise.all([
    ...[1, 2, 3].map(() => fetchPath(client, '/api/v1/pods')),
    ...[1, 2].map(() => fetchPath(client, `/api/v1/watch/pods?${seconds}`)),
    fetchPath(client, `/api/v1/watch/namespaces/default/pods/one?${seconds}`),
    fetchPath(client, `/api/v1/pods?watch=true&${seconds}`),
    fetchPath(client, `/api/v1/nodes?fieldSelector=metadata.name%3Done&watch=1&${seconds}`),
    fetchPath(client, '/api/v1/nodes/one'),
  ]);
  expect(statuses).toEqual(Array(9).fill(200));
  const open = await openWatch(client, '/api/v1/watch/nodes');
  await vi.waitFor(async () => {
    expect(await misfiled(door)).toEqual({
      'old LIST apiserver_longrunning_gauge': 1,
      [`old LIST ${DURATION}`]: 2,
      [`old GET ${DURATION}`]: 1,
      'old LIST apiserver_request_total': 2,
      'old GET apiserver_request_total': 1,
    });
  }, WAIT);
  const text = await replicasPage(door);
  const direct = (await fetchText(url)).split('\n');
  open.close();

  const exposition = new Exposition(text);
  const of = (verb: string, resource: string, scope: string) => ({ verb, resource, scope });
  const count = (...labels: Parameters<typeof of>) =>
    exposition.sum(`${DURATION}_count`, of(...labels));
  expect(count('LIST', 'pods', 'cluster')).toBe(3);
  expect(count('WATCH', 'pods', 'cluster')).toBe(3);
  expect(count('GET', 'pods', 'resource')).toBe(0);
  expect(count('WATCH', 'pods', 'resource')).toBe(1);
  expect(count('WATCH', 'nodes', 'cluster')).toBe(1);
  expect(count('GET', 'nodes', 'resource')).toBe(1);
  // Three lists take milliseconds, and each watch a second and some more.
  const listSeconds = exposition.sum(`${DURATION}_sum`, of('LIST', 'pods', 'cluster')) ?? 0;
  expect(listSeconds).toBeLessThan(0.5);
  expect(exposition.sum(`${DURATION}_sum`, of('WATCH', 'pods', 'cluster'))).toBeCloseTo(3, 0);
  const bucket = (verb: string, le: string): number | undefined =>
    exposition.sum(`${DURATION}_bucket`, { ...of(verb, 'pods', 'cluster'), le });
  expect([bucket('LIST', '0.9'), bucket('LIST', '+Inf')]).toEqual([3, 3]);
  expect([bucket('WATCH', '0.9'), bucket('WATCH', '1.5'), bucket('WATCH', '+Inf')]).toEqual([
    0, 3, 3,
  ]);
  const total = (verb: string, code: string): number | undefined =>
    exposition.sum('apiserver_request_total', { ...of(verb, 'pods', 'cluster'), code });
  expect([total('LIST', '200'), total('LIST', '0'), total('WATCH', '0')]).toEqual([3, 0, 3]);
  expect(exposition.sum('apiserver_longrunning_gauge', of('WATCH', 'nodes', 'cluster'))).toBe(1);
  expect(exposition.sum('apiserver_longrunning_gauge', of('LIST', 'nodes', 'cluster'))).toBe(0);
  expect(text).toContain(
    '# evenkeel: replica "old": 2 of 2 watches of pods that were filed as LIST',
  );

  // Whatever is neither corrected nor moves by itself has the replica's own bytes.
  const still =
    /^apiserver_.*resource="nodes".*verb="(GET|WATCH)"|^apiserver_storage|^etcd_|^# TYPE/;
  const expected = direct.filter((line) => still.test(line) && !/gauge\{/.test(line));
  expect(expected.length).toBeGreaterThan(100);
  const lines = new Set(
    text
      .split('\n')
      .map((line) => line.replace('{replica="old"}', '').replace('replica="old",', '')),
  );
  expect(expected.filter((line) => !lines.has(line))).toEqual([]);
});

test('1.34 is named for open legacy watches, and for nothing that is over', async () => {
  const { door, replicas } = cluster();
  const client = session(door.url);
  const paths = [
    '/api/v1/watch/configmaps',
    '/api/v1/watch/namespaces/default/configmaps/x',
    '/api/v1/configmaps?watch=true',
    '/api/v1/nodes?fieldSelector=metadata.name%3Dn1&watch=true',
  ];
  const open = await Promise.all(paths.map((path) => openWatch(client, path)));
  const gauge = 'apiserver_longrunning_requests';
  const sums = async (): Promise<(number | undefined)[]> => {
    const all = Object.entries(await misfiled(door));
    const sumOf = (part: string): number =>
      all.reduce((sum, [key, value]) => sum + (key.includes(part) ? value : 0), 0);
    return [sumOf(`LIST ${gauge}`), sumOf(`GET ${gauge}`), sumOf(DURATION)];
  };
  await vi.waitFor(async () => expect(await sums()).toEqual([1, 1, 0]), WAIT);
  const text = await replicasPage(door);
  const exposition = new Exposition(text);
  if (missingBinaries(['promtool']).length === 0) {
    // 3: some of kube-apiserver's names are not after its taste. 1 would be: cannot be read.
    expect(await exitCodeOf('promtool', ['check', 'metrics'], text)).toBe(3);
  }
  const watches = (resource: string): number | undefined =>
    exposition.sum(gauge, { verb: 'WATCH', resource, group: '' });
  expect(exposition.sum(gauge, { verb: 'LIST', resource: 'configmaps' })).toBe(0);
  // Those of the apiservers themselves, which watch configmaps too, are there besides.
  expect(watches('configmaps')).toBeGreaterThanOrEqual(3);
  const up = exposition.find('evenkeel_replica_up');
  expect(up.map(({ labels, value }) => [labels.replica, value])).toEqual(
    replicas.map(({ name }) => [name, 1]),
  );
  for (const stream of open) stream.close();
  await vi.waitFor(async () => expect(await sums()).toEqual([0, 0, 0]), WAIT);
});

/** The text of a replica itself. */
async function fetchText(url: string): Promise<string> {
  return (await fetchAnswer(session(url), { ':path': '/metrics' })).body;
}

async function exitCodeOf(name: string, args: readonly string[], input: string): Promise<unknown> {
  const child = spawn(binaryPath(name), args, { stdio: ['pipe', 'ignore', 'ignore'] });
  child.stdin.end(input);
  return (await once(child, 'close'))[0];
}
