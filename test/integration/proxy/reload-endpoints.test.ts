// The list of endpoints is edited in the file of a door that runs: as a process, alone and with
// workers.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type ClientHttp2Session, connect } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { type Simulator, startSimulator } from '../../../simulator/cluster.ts';
import type { Replica } from '../../../simulator/replica.ts';
import { ChildGroup } from '../../../tools/child.ts';
import { type DoorProcess, startDoor } from '../../../tools/door.ts';
import { fetchAnswer } from '../../support/open-door.ts';
import { openWatch, type WatchClient } from './watch/watch-client.ts';

const LIMIT = { timeout: 20_000, interval: 50 };
const GET = { ':path': '/api/v1/namespaces/default' };
const CONFIGMAPS = '/api/v1/namespaces/default/configmaps';

let directory: string;
let simulator: Simulator;
let door: DoorProcess;
let children: ChildGroup;
const sessions: ClientHttp2Session[] = [];
const clients: WatchClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.cancel();
  for (const session of sessions.splice(0)) session.destroy();
  await children.stop();
  await simulator.stop();
  await rm(directory, { recursive: true, force: true });
});

/** A door before the first two of three replicas. */
async function open(workers: number): Promise<[Replica, Replica, Replica]> {
  directory = await mkdtemp(join(tmpdir(), 'evenkeel-endpoints-'));
  children = new ChildGroup();
  simulator = await startSimulator({ directory, replicas: 3 });
  const { pki, replicas } = simulator;
  const endpoints = replicas.slice(0, 2);
  door = await startDoor({ directory, pki, children, endpoints, config: { workers } });
  const [one, two, three] = replicas;
  if (one === undefined || two === undefined || three === undefined) throw new Error('three');
  return [one, two, three];
}

/** Edits the file and tells the door. */
async function list(endpoints: readonly { readonly name: string; readonly url: string }[]) {
  const path = join(directory, 'door.yaml');
  const config = JSON.parse(await readFile(path, 'utf8'));
  config.upstream.endpoints = endpoints.map(({ name, url }) => ({ name, url }));
  await writeFile(path, JSON.stringify(config));
  process.kill(door.child.pid, 'SIGHUP');
}

function session(): ClientHttp2Session {
  const { cert, key } = simulator.pki.admin;
  const made = connect(door.url, { ca: simulator.pki.clusterCa.cert, cert, key });
  made.on('error', () => {});
  sessions.push(made);
  return made;
}

async function watch(encoding: 'json' | 'protobuf'): Promise<WatchClient> {
  const client = await openWatch(`${CONFIGMAPS}?watch=true&resourceVersion=${version()}`, {
    port: door.port,
    pki: simulator.pki,
    protocol: 'h2',
    encoding,
  });
  clients.push(client);
  return client;
}

function version(): number {
  return simulator.store.revision;
}

async function page(path: string): Promise<string> {
  return (await fetch(`${door.adminUrl}${path}`)).text();
}

async function listed(): Promise<{ name: string; state: string; watches: number }[]> {
  const { endpoints } = JSON.parse(await page('/debug/endpoints')) as {
    endpoints: { name: string; state: string; watches: number }[];
  };
  return endpoints.map(({ name, state, watches }) => ({ name, state, watches }));
}

async function log(): Promise<string> {
  return readFile(door.logPath, 'utf8');
}

test.each([1, 2])(
  'an endpoint that is put in place of another one takes over its watches and gets requests (%i workers)',
  { timeout: 60_000 },
  async (workers) => {
    const [one, two, three] = await open(workers);
    // Each on a connection of its own, so that every worker has some.
    const all = await Promise.all(
      Array.from({ length: 12 }, (_, i) => watch(i % 2 === 0 ? 'json' : 'protobuf')),
    );
    simulator.create('configmaps', { metadata: { name: 'before' } });
    await list([one, three]);
    await vi.waitFor(
      () => expect(two.stats()).toMatchObject({ openConnections: 0, openWatches: 0 }),
      LIMIT,
    );
    await vi.waitFor(async () => {
      expect(await listed()).toMatchObject([
        { name: one.name, state: 'ready' },
        { name: three.name, state: 'ready' },
      ]);
      expect(await page('/metrics')).not.toContain(`"${two.name}"`);
      expect(await page('/replicas/metrics')).not.toContain(`"${two.name}"`);
    }, LIMIT);
    simulator.create('configmaps', { metadata: { name: 'after' } });
    await vi.waitFor(() => {
      for (const { events } of all)
        expect(events.map(({ type }) => type)).toEqual(['ADDED', 'ADDED']);
    }, LIMIT);
    for (const { end } of all) expect(end).toBeUndefined();
    await vi.waitFor(async () => {
      expect((await fetchAnswer(session(), GET)).status).toBe(200);
      expect(await page('/metrics')).toMatch(
        new RegExp(`evenkeel_requests_total\\{.*endpoint="${three.name}"\\} [1-9]`),
      );
    }, LIMIT);
    expect(await page('/replicas/metrics')).toContain(
      `evenkeel_replica_up{replica="${three.name}"}`,
    );
  },
);

test('a file whose list of endpoints is wrong changes nothing, and the log says why', async () => {
  const [one, two, three] = await open(1);
  await list([]);
  await vi.waitFor(async () => expect(await log()).toContain('the old one stays'), LIMIT);
  expect(await log()).toContain('upstream.endpoints: expected a list of at least one');
  await list([one, { ...named(one), url: three.url }]);
  await vi.waitFor(async () => expect(await log()).toContain('stands twice'), LIMIT);
  expect((await listed()).map(({ name }) => name)).toEqual([one.name, two.name]);
  expect((await fetchAnswer(session(), GET)).status).toBe(200);
  // And the next good one is taken over.
  await list([one, three]);
  await vi.waitFor(async () => {
    expect((await listed()).map(({ name }) => name)).toEqual([one.name, three.name]);
  }, LIMIT);
});

test('an edited list is found without a signal', { timeout: 60_000 }, async () => {
  const [one] = await open(1);
  const path = join(directory, 'door.yaml');
  const config = JSON.parse(await readFile(path, 'utf8'));
  config.upstream.endpoints = [named(one)];
  await writeFile(path, JSON.stringify(config));
  await vi.waitFor(async () => {
    expect((await listed()).map(({ name }) => name)).toEqual([one.name]);
  }, LIMIT);
});

function named({ name, url }: Replica): { readonly name: string; readonly url: string } {
  return { name, url };
}
