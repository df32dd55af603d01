// evenkeel-load from end to end: a control plane as `up` starts it, and the commands against it.
import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test as plainTest } from 'vitest';
import { readKubeconfig } from '../../../loadtests/kubeconfig.ts';
import { type LocalCluster, startLocalCluster } from '../../../loadtests/local/local-cluster.ts';
import { serveSite } from '../../../loadtests/local/site-socket.ts';
import { parseResult } from '../../../loadtests/result.ts';
import { runCleanCommand } from '../../../loadtests/run/clean-command.ts';
import { ask } from '../../../loadtests/run/cluster.ts';
import { runRunCommand } from '../../../loadtests/run/run-command.ts';
import { binaryPath, missingBinaries } from '../../../tools/binaries.ts';

const missing = missingBinaries(['etcd', 'kube-apiserver', 'kubectl', 'k6']);
const reason = missing.length > 0 ? ` (not run: no ${missing.join(', ')} in .tools/bin)` : '';
const test = (name: string, run: () => Promise<void>): void =>
  plainTest.skipIf(missing.length > 0)(`${name}${reason}`, run);

const { signal } = new AbortController();
const EVENTS = '/api/v1/namespaces/default/events';
let cluster: LocalCluster;
let closeSite: (() => Promise<void>) | undefined;

beforeAll(async () => {
  if (missing.length > 0) return;
  const shape = { replicas: 2, etcdMembers: 1, door: true };
  cluster = await startLocalCluster({ ...shape, signal, log: () => undefined });
  closeSite = await serveSite(cluster, cluster.directory);
});

afterAll(async () => {
  await closeSite?.();
  await cluster?.stop();
});

async function countLabelled(): Promise<number> {
  const { body } = await ask(
    readKubeconfig(cluster.kubeconfig),
    'GET',
    `${EVENTS}?labelSelector=evenkeel.dev/load`,
  );
  return (JSON.parse(body) as { readonly items: readonly object[] }).items.length;
}

test('a run through a fault leaves its result, and nothing on the cluster', async () => {
  const file = join(cluster.directory, 'result.ndjson');
  let said = '';
  const output = {
    stdout: { write: (text: string) => (said += text) },
    stderr: { write: (text: string) => (said += text) },
  };
  const argv = ['event-storm', '--kubeconfig', cluster.kubeconfig, '-o', file];
  const short = ['--nodes', '20', '--warmup', '1', '--duration', '5'];
  const faults = ['--fault', 'replica-kill@1s', '--fault-command', 'echo over@1s'];
  // 3 says that this machine was too busy for the run to count, which is no error here.
  expect([0, 3], said).toContain(
    await runRunCommand([...argv, ...short, ...faults], signal, output),
  );
  const text = await readFile(file, 'utf8');
  await rm(file);
  const { run, faults: done, metrics, objectives, windows, phases, end } = parseResult(text, file);
  expect(Object.keys(run.environment.versions).sort()).toEqual(
    ['etcd', 'evenkeel', 'k6', 'kube-apiserver', 'node'].sort(),
  );
  expect(text).not.toContain(cluster.directory);
  expect(done.map(({ name, target }) => [name, target]).sort()).toEqual([
    ['command: echo over', 'by command'],
    ['replica-kill', 'apiserver-1'],
  ]);
  const names = metrics.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toEqual(
    expect.arrayContaining([
      'latency_p99{POST events resource}',
      'server_latency_mean{POST events resource}',
      'cpu_seconds_per_1000_requests{kube-apiserver}',
      'cpu_seconds_per_1000_requests{etcd}',
      'cpu_seconds_per_1000_requests{evenkeel}',
      'rss_peak{etcd}',
      'storage_p99{kube-apiserver create}',
      'puts_per_request{etcd}',
      'watchers_terminated{kube-apiserver}',
      'door_latency_p99{evenkeel}',
    ]),
  );
  // The swarm beside k6 has seen its own events, and each of them once, through the fault.
  for (const what of ['lost', 'duplicated', 'out_of_order']) {
    const name = `watch_events_${what}{events}`;
    expect(metrics.find((line) => line.name === name)).toMatchObject({ value: 0, critical: true });
  }
  const watched = metrics.find(({ name }) => name === 'watch_latency_p99{watch event events}');
  expect(watched?.observations).toBeGreaterThan(0);
  const measured = phases.find(({ name }) => name === 'measure')?.atMs ?? Number.NaN;
  const heard = windows.filter(({ series }) => series === 'watch event events');
  expect(heard.length).toBeGreaterThan(0);
  expect(Math.min(...heard.map(({ atMs }) => atMs))).toBeGreaterThanOrEqual(Math.floor(measured));
  expect(objectives.map(({ name }) => name)).toEqual([
    'POST events resource: p99 at most 1 s',
    'POST events resource in the servers: p99 at most 1 s',
  ]);
  expect(windows.map(({ series }) => series)).toContain('POST events resource in the servers');
  expect(end).toBeDefined();
  expect(await countLabelled()).toBe(0);
});

/** Of every kind that the server has, so that one which nobody thought of removing is seen. */
async function namesLabelled(): Promise<string[]> {
  const kubectl = async (...args: readonly string[]): Promise<string[]> => {
    const argv = ['--kubeconfig', cluster.kubeconfig, ...args];
    const { stdout } = await promisify(execFile)(binaryPath('kubectl'), argv);
    return stdout.split('\n').filter((line) => line !== '');
  };
  const kinds = await kubectl('api-resources', '--verbs=list', '-o', 'name');
  return await kubectl('get', kinds.join(','), '-A', '-l', 'evenkeel.dev/load', '-o', 'name');
}

const kindsOf = (names: readonly string[]): string[] =>
  [...new Set(names.map((name) => name.slice(0, name.indexOf('/'))))].sort();

test('of a run of every flow that is broken off nothing stays, of no kind', async () => {
  const interrupt = new AbortController();
  const silent = { write: () => true };
  const argv = ['mixed', '--kubeconfig', cluster.kubeconfig, '--nodes', '20', '--duration', '120'];
  const output = { stdout: silent, stderr: silent };
  const run = runRunCommand(argv, interrupt.signal, output).catch((error: unknown) => error);
  // A storm's events come only after set-up, and stay: everything that set-up makes is there by then.
  await expect
    .poll(namesLabelled, { timeout: 90_000, interval: 500 })
    .toContainEqual(expect.stringMatching(/^event\/load-\w+\.\d+$/));
  const before = kindsOf(await namesLabelled());
  interrupt.abort();
  await run;
  expect(before).toEqual(
    expect.arrayContaining([
      ...['configmap', 'deployment.apps', 'endpointslice.discovery.k8s.io'],
      ...['lease.coordination.k8s.io', 'node', 'pod', 'serviceaccount'],
    ]),
  );
  expect(await namesLabelled()).toEqual([]);
});

test('clean removes what a killed run has left, and nothing else', async () => {
  const access = readKubeconfig(cluster.kubeconfig);
  const nodes = ['left', 'other'].map((name) => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: name === 'left' ? { 'evenkeel.dev/load': 'x' } : {} },
  }));
  const file = join(cluster.directory, 'nodes.json');
  await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: nodes }));
  const argv = ['--kubeconfig', cluster.kubeconfig, 'create', '-f', file];
  await promisify(execFile)(binaryPath('kubectl'), argv);
  const stdout = { write: (text: string) => text };
  expect(await runCleanCommand(['--kubeconfig', cluster.kubeconfig], signal, stdout)).toBe(0);
  const statuses = ['left', 'other'].map(async (name) => {
    return (await ask(access, 'GET', `/api/v1/nodes/${name}`)).status;
  });
  expect(await Promise.all(statuses)).toEqual([404, 200]);
});
