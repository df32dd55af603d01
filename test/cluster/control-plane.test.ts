// The harness that every other test on real components stands on.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test as plainTest } from 'vitest';
import { binaryPath, missingBinaries } from '../../tools/binaries.ts';
import { type ControlPlane, type Replica, startControlPlane } from '../../tools/control-plane.ts';
import { startControllerManager } from '../../tools/controller-manager.ts';
import type { Identity } from '../../tools/kubeconfig.ts';
import { probe } from '../../tools/loopback.ts';

const missing = missingBinaries(['etcd', 'kube-apiserver', 'kube-controller-manager', 'kubectl']);
const reason = missing.length > 0 ? ` (not run: no ${missing.join(', ')} in .tools/bin)` : '';
const test = (name: string, run: () => Promise<void>): void =>
  plainTest.skipIf(missing.length > 0)(`${name}${reason}`, run);

let directory: string;
let controlPlane: ControlPlane;

beforeAll(async () => {
  if (missing.length > 0) return;
  directory = await mkdtemp(join(tmpdir(), 'control-plane-test-'));
  controlPlane = await startControlPlane({ directory, replicas: 3 });
});

afterAll(async () => {
  await controlPlane?.stop();
  if (directory !== undefined) await rm(directory, { recursive: true, force: true });
});

function replica(index: number): Replica {
  const found = controlPlane.replicas[index];
  if (found === undefined) throw new Error(`no replica ${index}`);
  return found;
}

function readiness({ url }: Replica): Promise<number | undefined> {
  return probe(`${url}/readyz`, controlPlane.pki.clusterCa.cert);
}

async function kubectl(identity: Identity, ...args: string[]): Promise<string> {
  const kubeconfig = await controlPlane.kubeconfig(replica(0).url, identity);
  const command = [`--kubeconfig=${kubeconfig}`, ...args];
  return (await promisify(execFile)(binaryPath('kubectl'), command)).stdout;
}

async function whoami(identity: Identity): Promise<unknown> {
  return JSON.parse(await kubectl(identity, 'auth', 'whoami', '-o', 'json')).status.userInfo;
}

test('three replicas are ready', async () => {
  expect(await Promise.all(controlPlane.replicas.map(readiness))).toEqual([200, 200, 200]);
});

test('a client is known by its certificate', async () => {
  const subject = { commonName: 'alice', organizations: ['ops', 'dev'], uid: 'u-17' };
  expect(await whoami({ certificate: await controlPlane.pki.issueClient(subject) })).toMatchObject({
    username: 'alice',
    uid: 'u-17',
    groups: ['ops', 'dev', 'system:authenticated'],
  });
});

test('a client is known by its token', async () => {
  expect(await whoami({ token: controlPlane.tokens.alice })).toMatchObject({
    username: 'alice',
    uid: 'uid-alice',
    groups: ['dev', 'ops', 'system:authenticated'],
  });
});

test('the front proxy may say who the user is', async () => {
  const { frontProxy, clusterCa } = controlPlane.pki;
  const body = await new Promise<string>((resolve, reject) => {
    const options = {
      method: 'POST',
      ca: clusterCa.cert,
      cert: frontProxy.cert,
      key: frontProxy.key,
      headers: {
        'content-type': 'application/json',
        'x-remote-user': 'bob',
        'x-remote-uid': 'u-18',
        'x-remote-group': ['ops', 'dev'],
        'x-remote-extra-team': 'blue',
      },
    };
    const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
    request(`${replica(0).url}${path}`, options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve(text));
    })
      .on('error', reject)
      .end('{"kind":"SelfSubjectReview","apiVersion":"authentication.k8s.io/v1"}');
  });
  expect(JSON.parse(body).status.userInfo).toMatchObject({
    username: 'bob',
    uid: 'u-18',
    groups: ['ops', 'dev', 'system:authenticated'],
    extra: { team: ['blue'] },
  });
});

test('a replica that is killed comes back at the same port', async () => {
  const second = replica(1);
  const { pid, port } = second;
  await second.kill();
  expect(second.running).toBe(false);
  expect(await readiness(second)).toBeUndefined();
  await second.restart();
  expect(second.running).toBe(true);
  expect(second.pid).not.toBe(pid);
  expect(second.port).toBe(port);
  expect(await Promise.all(controlPlane.replicas.map(readiness))).toEqual([200, 200, 200]);
});

test('a frozen replica is silent until it is thawed', async () => {
  await replica(2).freeze();
  expect(await readiness(replica(2))).toBeUndefined();
  replica(2).thaw();
  expect(await readiness(replica(2))).toBe(200);
});

test('a replica that is asked to end does so by itself', async () => {
  await replica(2).terminate();
  expect(replica(2).running).toBe(false);
  await replica(2).restart();
});

test('a controller manager makes the service accounts', async () => {
  const manager = await startControllerManager(controlPlane, { url: replica(0).url });
  const admin = { certificate: controlPlane.pki.admin };
  await kubectl(admin, 'wait', '--for=create', 'serviceaccount/default', '--timeout=20s');
  await manager.kill();
});

test('a component that does not start says why, with the end of its log', async () => {
  const broken = startControlPlane({
    directory: join(directory, 'broken'),
    replicas: 1,
    apiserverFlags: ['--no-such-flag'],
  });
  await expect(broken).rejects.toThrow(/apiserver-1: ended while starting[\s\S]*no-such-flag/);
  expect(existsSync(join(directory, 'broken'))).toBe(false);
});

test('stopping leaves nothing behind, not even a frozen replica', async () => {
  await replica(0).freeze();
  const pids = controlPlane.replicas.map(({ pid }) => pid);
  await controlPlane.stop();
  for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  expect(await readdir(directory)).toEqual([]);
});
