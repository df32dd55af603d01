// The front door with two workers, as its users start it, before simulated apiservers.
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { type ClientHttp2Session, connect } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Simulator, startSimulator } from '../../../../simulator/cluster.ts';
import { ChildGroup } from '../../../../tools/child.ts';
import { type DoorProcess, startDoor } from '../../../../tools/door.ts';
import { fetchAnswer } from '../../../support/open-door.ts';

const WORKERS = 2;
const children = new ChildGroup();
const sessions: ClientHttp2Session[] = [];
let directory: string;
let simulator: Simulator;
let door: DoorProcess;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'evenkeel-workers-'));
  simulator = await startSimulator({ directory, replicas: 2 });
  door = await startDoor({
    directory,
    pki: simulator.pki,
    children,
    endpoints: simulator.replicas,
    config: { workers: WORKERS, drain: { timeout: '5s', watchSpread: '100ms' } },
  });
});

afterAll(async () => {
  for (const session of sessions) session.destroy();
  await children.stop();
  await simulator?.stop();
  await rm(directory, { recursive: true, force: true });
});

function open(): ClientHttp2Session {
  const session = connect(door.url, { ca: simulator.pki.clusterCa.cert });
  session.on('error', () => {});
  sessions.push(session);
  return session;
}

const GET = { ':path': '/api/v1/namespaces/default', authorization: 'Bearer token-admin' };

/** Process ids of the workers, from the kernel. */
function workers(): number[] {
  const { pid } = door.child;
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.trim().split(' ').filter(Boolean).map(Number);
}

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${door.adminUrl}/metrics`)).text();
  let sum = 0;
  for (const line of text.split('\n')) {
    if (line.startsWith(name)) sum += Number(line.slice(line.lastIndexOf(' ') + 1));
  }
  return sum;
}

test('the page shows all workers as one door', async () => {
  // Connections go to the workers by turns, and the same token has the same name at all of them.
  const opened = Array.from({ length: 4 }, open);
  for (let i = 0; i < 20; i += 1) {
    const [session = open()] = opened.slice(i % opened.length);
    await fetchAnswer(session, { ...GET, 'user-agent': 'page-test' });
  }
  const page = async (): Promise<string> => (await fetch(`${door.adminUrl}/`)).text();
  await expect.poll(page, { timeout: 15_000 }).toContain('page-test 127.0.0.1');
  const names = [expect.stringMatching(/^bearer #[0-9a-f]{6}$/), 'page-test', '127.0.0.1'];
  expect(await (await fetch(`${door.adminUrl}/debug/top`)).json()).toMatchObject({
    clientsByRequests: [{ names }],
  });
  expect(await page()).toContain('2 of 2 kube-apiservers serve.');
  for (const session of opened) session.destroy();
});

test('connections are shared by all workers, and one admin port shows what they did together', async () => {
  const before = await metric('evenkeel_requests_total');
  const clients = Array.from({ length: 8 }, open);
  const answers = await Promise.all(
    clients.flatMap((client) => Array.from({ length: 5 }, () => fetchAnswer(client, GET))),
  );
  expect(answers.map(({ status }) => status)).toEqual(Array(40).fill(200));
  expect(await metric('evenkeel_requests_total')).toBe(before + 40);
  // A worker tells its connections once a second.
  await expect.poll(() => metric('evenkeel_client_connections{'), { timeout: 5000 }).toBe(8);
  expect(workers()).toHaveLength(WORKERS);
});

test('the metrics of the endpoints are read by one process, and shown with those of all workers', async () => {
  const page = await (await fetch(`${door.adminUrl}/replicas/metrics`)).text();
  for (const { name } of simulator.replicas) {
    expect(page).toContain(`evenkeel_replica_up{replica="${name}"} 1\n`);
    expect(page).toContain(`apiserver_longrunning_requests{replica="${name}"} `);
    expect(await metric(`evenkeel_replica_scrape{endpoint="${name}",result="ok"}`)).toBe(1);
  }
});

test('endpoints are checked by one process, and every worker hears of it', async () => {
  const replica = simulator.replicas[0];
  if (replica === undefined) throw new Error('no replica');
  const { name } = replica;
  await replica.kill();
  await expect
    .poll(() => metric(`evenkeel_endpoint_state{endpoint="${name}",state="not_ready"}`), {
      timeout: 5000,
    })
    .toBeGreaterThan(0);
  const clients = Array.from({ length: 4 }, open);
  for (const client of clients) expect((await fetchAnswer(client, GET)).status).toBe(200);
  await replica.restart();
});

test('a worker that dies takes its own connections with it and no other, and comes back', async () => {
  const clients = Array.from({ length: 8 }, open);
  await Promise.all(clients.map((client) => fetchAnswer(client, GET)));
  const [victim] = workers();
  if (victim === undefined) throw new Error('no worker');
  const closed: ClientHttp2Session[] = [];
  for (const client of clients) client.once('close', () => closed.push(client));
  process.kill(victim, 'SIGKILL');
  await expect.poll(() => closed.length, { timeout: 5000 }).toBeGreaterThan(0);
  const left = clients.filter((client) => !closed.includes(client));
  expect(left.length).toBeGreaterThan(0);
  for (const client of left) expect((await fetchAnswer(client, GET)).status).toBe(200);
  await expect.poll(() => workers().length, { timeout: 10_000 }).toBe(WORKERS);
  expect(workers()).not.toContain(victim);
});

test('SIGTERM ends all workers in good order', async () => {
  const client = open();
  const watch = fetchAnswer(client, {
    ':path': '/api/v1/namespaces?watch=1',
    authorization: 'Bearer token-admin',
  });
  await expect.poll(() => metric('evenkeel_requests_in_flight{kind="watch"}')).toBe(1);
  await door.child.terminate();
  expect(await door.child.exited).toBe('exit code 0');
  expect(await watch).toMatchObject({ status: 200, resetCode: 0 });
});
