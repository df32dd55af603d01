// Services whose ClusterIP nobody can use, since the pods are on an underlay network: what a stock
// kube-controller-manager publishes for them, and a patched one with its features off and on.
import { join } from 'node:path';
import { missingBinaries } from '../../tools/binaries.ts';
import type { Child } from '../../tools/child.ts';
import { type ControlPlane, startControlPlane } from '../../tools/control-plane.ts';
import { startControllerManager } from '../../tools/controller-manager.ts';
import { poll } from '../../tools/poll.ts';
import { atLeast, atMost, holds, notRun, type Row } from '../row.ts';
import type { ScenarioContext } from '../scenario.ts';
import { FakeCluster, inParallel, NAMESPACE } from './fake-cluster.ts';
import { requirePatched } from './patched-program.ts';
import { type Expected, findWrong, type PublishedTwice, readPublished } from './published.ts';

const SERVICES = 200;
const CHANGED = 40;
const DELEGATED = 20;
const WHAT = `${SERVICES} services without a usable ClusterIP`;
const FLAGS = [
  '--controllers=endpoints-controller,endpointslice-controller',
  '--kube-api-qps=400',
  '--kube-api-burst=400',
];
const FEATURES = '--feature-gates=HeadlessServiceLabel=true,EndpointNetworkStatusAddress=true';
const NODE = 'node-0';
// The last of the services is left out of what is compared: its pod is changed to see that what
// came before has been worked off.
const CANARY = SERVICES - 1;

interface Site {
  readonly controlPlane: ControlPlane;
  readonly cluster: FakeCluster;
  readonly context: ScenarioContext;
}

/** Rows of item 3. */
export async function measureUnderlay(context: ScenarioContext): Promise<Row[]> {
  const missing = missingBinaries(['etcd', 'kube-apiserver', 'kube-controller-manager']);
  if (missing.length > 0) return [notRun(WHAT, 'all of it', `no ${missing.join(', ')}`)];
  const patched = await requirePatched('kube-controller-manager', context);
  if (patched.kind === 'missing') return [notRun(WHAT, 'all of it', patched.why)];
  const controlPlane = await startControlPlane({
    directory: join(context.directory, 'underlay'),
    replicas: 1,
    // Nothing here makes service accounts.
    apiserverFlags: ['--disable-admission-plugins=ServiceAccount'],
    log: context.say,
  });
  await context.onEnd(() => controlPlane.stop());
  const site = { controlPlane, cluster: new FakeCluster(controlPlane), context };
  context.say(`creating ${WHAT}`);
  await createObjects(site);

  const stock = await start(site, 'kube-controller-manager', []);
  await untilRight(site, expectAll(stockExpected));
  await changeCanary(site, false, stockExpected);
  await changeCanary(site, true, stockExpected);
  await stock.kill();
  const before = await readPublished(site.cluster);

  const off = await start(site, patched.name, []);
  await changeCanary(site, false, stockExpected);
  await changeCanary(site, true, stockExpected);
  const after = await readPublished(site.cluster);
  await off.kill();

  const startedAt = performance.now();
  const on = await start(site, patched.name, [FEATURES]);
  const wrong = await untilRight(site, expectAll(underlayExpected));
  const startMs = performance.now() - startedAt;
  const rows = [...offRows(before, after), ...onRows(wrong, startMs)];
  rows.push(...(await measureChanges(site)), ...(await measureDelegation(site)));
  await on.kill();
  return rows;
}

async function start(
  { controlPlane, context }: Site,
  program: string,
  flags: readonly string[],
): Promise<Child> {
  const [replica] = controlPlane.replicas;
  if (replica === undefined) throw new Error('a control plane without a replica');
  context.say([program, ...flags].join(' '));
  return startControllerManager(controlPlane, {
    url: replica.url,
    flags: [...FLAGS, ...flags],
    program,
  });
}

function serviceName(index: number): string {
  return `service-${index}`;
}

function podName(index: number): string {
  return `pod-${index}`;
}

/** One of RFC 2544's, none of which is the address of anybody here. */
function underlayIp(index: number, third = 0): string {
  return `198.18.${third}.${index + 1}`;
}

function defaultIp(index: number): string {
  return `10.1.0.${index + 1}`;
}

function networkStatus(ip: string, index: number): string {
  return JSON.stringify([
    { name: 'cluster-default', interface: 'eth0', ips: [defaultIp(index)], default: true },
    { name: `${NAMESPACE}/underlay`, interface: 'net1', ips: [ip] },
  ]);
}

async function createPod({ cluster }: Site, name: string, index: number, ip: string) {
  await cluster.createPod({
    name,
    node: NODE,
    ip: defaultIp(index),
    labels: { app: serviceName(index) },
    annotations: { 'k8s.v1.cni.cncf.io/network-status': networkStatus(ip, index) },
  });
}

const INDICES = Array.from({ length: SERVICES }, (_, index) => index);

async function createObjects(site: Site): Promise<void> {
  const { cluster } = site;
  await cluster.createNode(NODE, 'a');
  await inParallel(INDICES, async (index) => {
    await cluster.create(`/api/v1/namespaces/${NAMESPACE}/services`, {
      kind: 'Service',
      apiVersion: 'v1',
      metadata: {
        name: serviceName(index),
        labels: { 'service.kubernetes.io/headless': '' },
        annotations: { 'k8s.v1.cni.cncf.io/service-network': 'underlay' },
      },
      spec: {
        selector: { app: serviceName(index) },
        ports: [{ port: 443, targetPort: 'web' }],
      },
    });
    await createPod(site, podName(index), index, underlayIp(index));
  });
}

function stockExpected(index: number): Expected {
  return { headless: false, addresses: [{ ip: defaultIp(index), ready: true }] };
}

function underlayExpected(index: number): Expected {
  return { headless: true, addresses: [{ ip: underlayIp(index), ready: true }] };
}

function expectAll(expect: (index: number) => Expected): Map<string, Expected> {
  return new Map(INDICES.map((index) => [serviceName(index), expect(index)]));
}

/** Waits until all publish what is expected; resolves with those that do not when it is over. */
async function untilRight(
  { cluster }: Site,
  expected: ReadonlyMap<string, Expected>,
): Promise<string[]> {
  let wrong: string[] = [];
  await poll('all services to publish what is expected', async () => {
    wrong = findWrong(await readPublished(cluster), expected);
    return wrong.length === 0 ? true : undefined;
  }).catch(() => undefined);
  return wrong;
}

/**
 * Controllers work events off in their order: what came before this one is then done as well. All
 * that is looked at after a start is done when two of them are, since the first may be taken early.
 */
async function changeCanary(
  site: Site,
  ready: boolean,
  expect: (index: number) => Expected,
): Promise<void> {
  await site.cluster.reportPodReady(podName(CANARY), ready);
  const { headless, addresses } = expect(CANARY);
  const changed = { headless, addresses: addresses.map(({ ip }) => ({ ip, ready })) };
  const wrong = await untilRight(site, new Map([[serviceName(CANARY), changed]]));
  if (wrong.length > 0) throw new Error(`${serviceName(CANARY)}: its pod was not followed`);
}

function offRows(before: PublishedTwice, after: PublishedTwice): Row[] {
  const compared = [...before.resourceVersions].filter(
    ([name]) => !new RegExp(`/${serviceName(CANARY)}(-|$)`).test(name),
  );
  const written = compared.filter(
    ([name, version]) => after.resourceVersions.get(name) !== version,
  ).length;
  const added = after.resourceVersions.size - before.resourceVersions.size;
  return [
    atLeast(
      { what: 'stock: objects that kube-proxy reads', value: compared.length, unit: 'objects' },
      2 * (SERVICES - 1),
    ),
    holds(
      'patched, features off: objects that were written, or are new',
      'none',
      `${written + added} of ${compared.length}`,
      written === 0 && added === 0,
    ),
  ];
}

function onRows(wrong: readonly string[], startMs: number): Row[] {
  return [
    atLeast(
      {
        what: 'patched, features on: headless, on the underlay address and target port',
        value: SERVICES - wrong.length,
        unit: 'services',
      },
      SERVICES,
    ),
    atMost(
      { what: 'until all are, from the start of the controller', value: startMs / 1000, unit: 's' },
      15,
    ),
  ];
}

/** Readiness, address, end and arrival of pods, each at some of the services. */
async function measureChanges(site: Site): Promise<Row[]> {
  const { cluster } = site;
  const pods = `/api/v1/namespaces/${NAMESPACE}/pods`;
  const expected = expectAll(underlayExpected);
  const changes: (() => Promise<void>)[] = [];
  for (const index of INDICES.slice(0, CHANGED)) {
    const moved = index + CHANGED;
    const gone = moved + CHANGED;
    const joined = gone + CHANGED;
    const ip = underlayIp(index);
    expected.set(serviceName(index), { headless: true, addresses: [{ ip, ready: false }] });
    changes.push(() => cluster.reportPodReady(podName(index), false));
    const newIp = underlayIp(moved, 1);
    expected.set(serviceName(moved), { headless: true, addresses: [{ ip: newIp, ready: true }] });
    const annotations = { 'k8s.v1.cni.cncf.io/network-status': networkStatus(newIp, moved) };
    changes.push(() => cluster.patch(`${pods}/${podName(moved)}`, { metadata: { annotations } }));
    expected.set(serviceName(gone), { headless: true, addresses: [] });
    changes.push(() => cluster.delete(`${pods}/${podName(gone)}`));
    const second = underlayIp(joined, 2);
    expected.set(serviceName(joined), {
      headless: true,
      addresses: [underlayIp(joined), second].map((address) => ({ ip: address, ready: true })),
    });
    changes.push(() => createPod(site, `second-${joined}`, joined, second));
  }
  await inParallel(changes, (change) => change());
  const changedAt = performance.now();
  const wrong = await untilRight(site, expected);
  const value = (performance.now() - changedAt) / 1000;
  return [
    atLeast(
      {
        what: `right after ${changes.length} pods were lost, moved, ended or added`,
        value: SERVICES - wrong.length,
        unit: 'services',
      },
      SERVICES,
    ),
    atMost({ what: 'until all are, from the last of these changes', value, unit: 's' }, 5),
  ];
}

/** Services that are given to another controller while they have endpoints. */
async function measureDelegation(site: Site): Promise<Row[]> {
  const { cluster } = site;
  const delegated = INDICES.slice(-1 - DELEGATED, -1);
  const label = { 'service.kubernetes.io/endpoint-controller-name': 'another' };
  await inParallel(delegated, (index) =>
    cluster.patch(`/api/v1/namespaces/${NAMESPACE}/services/${serviceName(index)}`, {
      metadata: { labels: label },
    }),
  );
  await inParallel(delegated, (index) => cluster.reportPodReady(podName(index), false));
  await changeCanary(site, false, underlayExpected);
  const expected = new Map(delegated.map((index) => [serviceName(index), underlayExpected(index)]));
  const wrong = findWrong(await readPublished(cluster), expected);
  return [
    holds(
      'services of another endpoint controller: left alone when their pods change',
      `${DELEGATED} of ${DELEGATED}`,
      `${DELEGATED - wrong.length} of ${DELEGATED}`,
      wrong.length === 0,
    ),
  ];
}
