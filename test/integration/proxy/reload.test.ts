// Certificates are renewed while the door is open: as a process, alone and with workers.
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type ClientHttp2Session, connect } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterEach, expect, test, vi } from 'vitest';
import { type Simulator, startSimulator } from '../../../simulator/cluster.ts';
import { ChildGroup } from '../../../tools/child.ts';
import { type DoorProcess, startDoor } from '../../../tools/door.ts';
import { fetchAnswer } from '../../support/open-door.ts';

const GET = { ':path': '/api/v1/namespaces/default' };
const LIMIT = { timeout: 10_000, interval: 50 };

interface Fixture {
  readonly simulator: Simulator;
  readonly door: DoorProcess;
  readonly directory: string;
  readonly children: ChildGroup;
}

let fixture: Fixture;

afterEach(async () => {
  await fixture.children.stop();
  await fixture.simulator.stop();
  await rm(fixture.directory, { recursive: true, force: true });
});

async function open(workers: number): Promise<Fixture> {
  const directory = await mkdtemp(join(tmpdir(), 'evenkeel-reload-'));
  const children = new ChildGroup();
  const simulator = await startSimulator({ directory, replicas: 2 });
  const { pki, replicas } = simulator;
  const door = await startDoor({
    directory,
    pki,
    children,
    endpoints: replicas,
    config: { workers },
  });
  fixture = { simulator, door, directory, children };
  return fixture;
}

/** The common name that the door shows to a new client. */
function shownName(): Promise<string> {
  const { simulator, door } = fixture;
  return new Promise((resolve, reject) => {
    const socket = connectTls({ port: door.port, ca: simulator.pki.clusterCa.cert }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

/** Puts another certificate, with its key, in place of the door's own. */
async function renew(): Promise<void> {
  const { door, kubelet } = fixture.simulator.pki;
  await copyFile(kubelet.keyPath, door.keyPath);
  await copyFile(kubelet.certPath, door.certPath);
}

function hangUp(): void {
  process.kill(fixture.door.child.pid, 'SIGHUP');
}

function session(): ClientHttp2Session {
  const { pki } = fixture.simulator;
  const { cert, key } = pki.admin;
  return connect(fixture.door.url, { ca: pki.clusterCa.cert, cert, key });
}

async function log(): Promise<string> {
  return readFile(fixture.door.logPath, 'utf8');
}

test.each([1, 2])(
  'a renewed certificate is shown to new clients, and open connections stay (%i workers)',
  async (workers) => {
    await open(workers);
    expect(await shownName()).toBe('door');
    const before = session();
    expect((await fetchAnswer(before, GET)).status).toBe(200);
    await renew();
    hangUp();
    await vi.waitFor(async () => {
      // Each worker has to have it.
      const names = await Promise.all(Array.from({ length: 8 }, shownName));
      expect(new Set(names)).toEqual(new Set(['kubelet']));
    }, LIMIT);
    expect((await fetchAnswer(before, GET)).status).toBe(200);
    before.destroy();
  },
);

test('a renewed certificate is found without a signal', { timeout: 30_000 }, async () => {
  await open(1);
  await renew();
  await vi.waitFor(async () => expect(await shownName()).toBe('kubelet'), {
    ...LIMIT,
    timeout: 20_000,
  });
});

test('an authority that is taken away lets no new client in', async () => {
  await open(1);
  const { clusterCa, otherCa } = fixture.simulator.pki;
  const old = await readFile(clusterCa.certPath);
  const path = join(fixture.directory, 'client-ca.crt');
  const configPath = join(fixture.directory, 'door.yaml');
  const config = JSON.parse(await readFile(configPath, 'utf8'));
  await writeFile(path, old);
  await writeFile(configPath, JSON.stringify({ ...config, identity: { clientCA: path } }));
  hangUp();
  await vi.waitFor(async () => expect(await log()).toContain('taken over'), LIMIT);
  await copyFile(otherCa.certPath, path);
  hangUp();
  await vi.waitFor(async () => {
    const client = session();
    expect((await fetchAnswer(client, GET)).status).toBe(401);
    client.destroy();
  }, LIMIT);
});

test('a configuration that is wrong leaves the old one in use, and the log says why', async () => {
  await open(1);
  const { door } = fixture.simulator.pki;
  await writeFile(door.certPath, 'not a certificate');
  hangUp();
  await vi.waitFor(async () => expect(await log()).toContain('the old one stays'), LIMIT);
  expect(await log()).toMatch(/listen\.certificate/);
  expect(await shownName()).toBe('door');
  const client = session();
  expect((await fetchAnswer(client, GET)).status).toBe(200);
  client.destroy();
});

test('a key that cannot change while the door is open is named, without its value', async () => {
  await open(1);
  const path = join(fixture.directory, 'door.yaml');
  const config = JSON.parse(await readFile(path, 'utf8'));
  const changed = { ...config, limits: { connections: 4321 } };
  await writeFile(path, JSON.stringify(changed));
  hangUp();
  await vi.waitFor(async () => expect(await log()).toContain('need a restart'), LIMIT);
  const line = (await log()).split('\n').find((text) => text.includes('need a restart')) ?? '';
  expect(JSON.parse(line).keys).toEqual(['limits.connections']);
  expect(line).not.toContain('4321');
});
