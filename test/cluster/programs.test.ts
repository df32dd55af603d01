// Our Go programs against a real kube-apiserver, without a front door: what they show through one
// later is only worth something when this holds.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test as plainTest, vi } from 'vitest';
import { binaryPath, missingBinaries } from '../../tools/binaries.ts';
import { type ControlPlane, startControlPlane } from '../../tools/control-plane.ts';
import { type FakeKubelet, startFakeKubelet } from '../../tools/fake-kubelet.ts';
import { startInformers } from '../../tools/informers.ts';

const missing = missingBinaries(['etcd', 'kube-apiserver', 'kubectl', 'fake-kubelet', 'informers']);
const reason = missing.length > 0 ? ` (not run: no ${missing.join(', ')} in .tools/bin)` : '';
const test = (name: string, run: () => Promise<void>): void =>
  plainTest.skipIf(missing.length > 0)(`${name}${reason}`, run);

// Both are on by default; without them kubectl speaks SPDY.
const PROTOCOLS = ['WebSocket', 'SPDY'] as const;
type Protocol = (typeof PROTOCOLS)[number];

let directory: string;
let controlPlane: ControlPlane;
let kubelet: FakeKubelet;
let adminKubeconfig: string;
let pod: string;

beforeAll(async () => {
  if (missing.length > 0) return;
  directory = await mkdtemp(join(tmpdir(), 'programs-test-'));
  await mkdir(join(directory, 'work'));
  controlPlane = await startControlPlane({ directory: join(directory, 'cluster'), replicas: 2 });
  const url = controlPlane.replicas[0]?.url ?? '';
  adminKubeconfig = await controlPlane.kubeconfig(url, { certificate: controlPlane.pki.admin });
  kubelet = await startFakeKubelet(controlPlane, { url, directory: join(directory, 'work') });
  pod = kubelet.pods[0] ?? '';
});

afterAll(async () => {
  await controlPlane?.stop();
  if (directory !== undefined) await rm(directory, { recursive: true, force: true });
});

/** The command line of kubectl with a protocol. The variables are set by env, not by us. */
function kubectlCommand(protocol: Protocol, args: readonly string[]): string[] {
  const on = protocol === 'WebSocket';
  const variables = [
    `KUBECTL_REMOTE_COMMAND_WEBSOCKETS=${on}`,
    `KUBECTL_PORT_FORWARD_WEBSOCKETS=${on}`,
  ];
  return [...variables, binaryPath('kubectl'), `--kubeconfig=${adminKubeconfig}`, ...args];
}

async function kubectl(protocol: Protocol, ...args: string[]): Promise<string> {
  return (await promisify(execFile)('env', kubectlCommand(protocol, args))).stdout;
}

function startKubectl(protocol: Protocol, ...args: string[]) {
  return spawn('env', kubectlCommand(protocol, args), { stdio: ['pipe', 'pipe', 'ignore'] });
}

async function expectNothingOpen(): Promise<void> {
  const nothing = { open: 0, processes: 0, dials: 0 };
  await vi.waitFor(async () => expect(await kubelet.counters()).toMatchObject(nothing), 10_000);
}

for (const protocol of PROTOCOLS) {
  test(`exec runs a command, with its exit code, over ${protocol}`, async () => {
    expect(await kubectl(protocol, 'exec', pod, '--', 'sh', '-c', 'echo out; pwd')).toBe(
      `out\n${join(directory, 'work')}\n`,
    );
    const failing = kubectl(protocol, 'exec', pod, '--', 'sh', '-c', 'exit 7');
    await expect(failing).rejects.toMatchObject({ code: 7 });
  });

  test(`exec hands on standard input until it ends over ${protocol}`, async () => {
    const child = startKubectl(protocol, 'exec', '-i', pod, '--', 'cat');
    child.stdin.end('hello\n');
    expect(await text(child.stdout)).toBe('hello\n');
    await expectNothingOpen();
  });

  test(`cp carries a file there and back over ${protocol}`, async () => {
    const [from, there, back] = ['from', 'there', 'back'].map((n) => join(directory, n + protocol));
    if (from === undefined || there === undefined || back === undefined) throw new Error('paths');
    const content = Buffer.alloc(5 * 1024 * 1024, 'abcdefg');
    await writeFile(from, content);
    await kubectl(protocol, 'cp', from, `${pod}:${there}`);
    await kubectl(protocol, 'cp', `${pod}:${there}`, back);
    expect(content.equals(await readFile(back))).toBe(true);
  });

  test(`attach echoes over ${protocol}`, async () => {
    const child = startKubectl(protocol, 'attach', '-i', pod);
    child.stdin.end('hello\n');
    expect(await text(child.stdout)).toBe(`attached to ${pod}/main\nhello\n`);
  });

  test(`port-forward reaches a port of this machine over ${protocol}`, async () => {
    const server = createServer((_request, response) => response.end('answer'));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const child = startKubectl(protocol, 'port-forward', pod, `0:${port}`);
    const [line] = await once(child.stdout.setEncoding('utf8'), 'data');
    const local = /127\.0\.0\.1:(\d+)/.exec(line)?.[1];
    const [response] = await once(get(`http://127.0.0.1:${local}/`, { agent: false }), 'response');
    expect(await text(response)).toBe('answer');
    child.kill();
    await once(child, 'exit');
    await once(server.close(), 'close');
    await expectNothingOpen();
  });

  test(`a killed client ends the command that it ran over ${protocol}`, async () => {
    const child = startKubectl(protocol, 'exec', pod, '--', 'sleep', '1000');
    await vi.waitFor(async () => expect((await kubelet.counters()).processes).toBe(1), 10_000);
    child.kill('SIGKILL');
    await expectNothingOpen();
  });
}

test('logs are followed until the client goes', async () => {
  const child = startKubectl('WebSocket', 'logs', '--tail=1', '-f', pod);
  let lines = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    lines += chunk;
  });
  await vi.waitFor(() => expect(lines).toContain('line 11'), 10_000);
  expect(lines).toMatch(new RegExp(`^${pod}/main line 9\n${pod}/main line 10\n`));
  child.kill('SIGKILL');
  await expectNothingOpen();
});

for (const protobuf of [false, true]) {
  test(`informers outlive a replica, with protobuf ${protobuf}`, async () => {
    const [first, second] = controlPlane.replicas;
    if (first === undefined || second === undefined) throw new Error('too few replicas');
    const { pki } = controlPlane;
    const informers = await startInformers(controlPlane, {
      kubeconfig: await controlPlane.kubeconfig(second.url, { certificate: pki.admin }),
      directKubeconfig: adminKubeconfig,
      clients: 4,
      protobuf,
    });
    expect(await informers.check()).toMatchObject({ equal: true, lists: 20, relists: 0 });
    await second.restart();
    await kubectl('SPDY', 'create', 'configmap', `late-${protobuf}`);
    const after = await informers.check();
    expect(after).toMatchObject({ equal: true, differences: [], regressions: 0 });
    expect(after.watchErrors + after.watchEnds).toBeGreaterThanOrEqual(20);
    await informers.reset();
    expect(await informers.stats()).toMatchObject({ relists: 0, events: 0 });
    await informers.quit();
  });
}

test('informers watch for as long as they are told to, and send requests beside it', async () => {
  const certificate = controlPlane.pki.admin;
  const informers = await startInformers(controlPlane, {
    kubeconfig: await controlPlane.kubeconfig(controlPlane.replicas[0]?.url ?? '', { certificate }),
    directKubeconfig: adminKubeconfig,
    clients: 2,
    resources: ['configmaps'],
    watchSeconds: 2,
    requestIntervalMs: 100,
  });
  // client-go itself would not have opened a second one for five minutes.
  await vi.waitFor(async () => {
    const { watches, requests } = await informers.stats();
    expect(watches).toBeGreaterThanOrEqual(4);
    expect(requests).toBeGreaterThanOrEqual(4);
  }, 20_000);
  expect(await informers.stats()).toMatchObject({
    requestErrors: 0,
    refused: 0,
    relists: 0,
    watchErrors: 0,
  });
  await informers.quit();
});

test('a check names what a store lacks', async () => {
  const [first, second] = controlPlane.replicas;
  if (first === undefined || second === undefined) throw new Error('too few replicas');
  const { pki } = controlPlane;
  const informers = await startInformers(controlPlane, {
    kubeconfig: await controlPlane.kubeconfig(second.url, { certificate: pki.admin }),
    directKubeconfig: adminKubeconfig,
    clients: 1,
    resources: ['configmaps'],
    checkLimitMs: 500,
  });
  await second.freeze();
  await kubectl('SPDY', 'create', 'configmap', 'unseen');
  const check = await informers.check();
  second.thaw();
  expect(check).toMatchObject({ equal: false, differenceCount: 1 });
  expect(check.differences).toEqual(['client 0: configmaps default/unseen is missing']);
  await informers.quit();
});
