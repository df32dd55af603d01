// Nodes that fall silent: what a stock kube-controller-manager does to their pods, and a patched one.
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { missingBinaries } from '../../tools/binaries.ts';
import { type ControlPlane, startControlPlane } from '../../tools/control-plane.ts';
import { startControllerManager } from '../../tools/controller-manager.ts';
import { poll } from '../../tools/poll.ts';
import { measured, notRun, type Row } from '../row.ts';
import type { ScenarioContext } from '../scenario.ts';
import { allRows, type Damage, singleRows, zoneRows } from './damage.ts';
import { FakeCluster, inParallel, isReady, Kubelets, NAMESPACE } from './fake-cluster.ts';
import { requirePatched } from './patched-program.ts';

const ZONES = ['a', 'b', 'c'];
const NODES_PER_ZONE = 10;
const PODS_PER_NODE = 10;
const SERVICES = 30;
const PODS = ZONES.length * NODES_PER_ZONE * PODS_PER_NODE;
const PODS_PER_ZONE = NODES_PER_ZONE * PODS_PER_NODE;
const WHAT = `${ZONES.length * NODES_PER_ZONE} nodes in ${ZONES.length} zones with ${PODS} pods`;

// All times are a tenth of the defaults, and rates ten times as high or more.
const GRACE_PERIOD_MS = 5000;
const FLAGS = [
  '--controllers=node-lifecycle-controller,taint-eviction-controller,' +
    'endpoints-controller,endpointslice-controller',
  '--node-monitor-period=500ms',
  `--node-monitor-grace-period=${GRACE_PERIOD_MS}ms`,
  // Not 1, which SwapLimiter takes for the rate of a limiter that lets nothing pass, and then keeps
  // that one (pkg/controller/nodelifecycle/scheduler/rate_limited_queue.go).
  '--node-eviction-rate=2',
  '--secondary-node-eviction-rate=0.1',
  '--kube-api-qps=200',
  '--kube-api-burst=300',
];
// One node in 10 s, of a zone that is cut off.
const PATCHED_FLAGS = [
  '--feature-gates=DisruptionAwarePodReadiness=true',
  '--zone-full-disruption-eviction-rate=0.1',
];
// Long enough for a stock controller to evict a whole zone, 4 s after each of its nodes was tainted.
const WATCHED_MS = GRACE_PERIOD_MS + 11_000;
const SAMPLE_MS = 250;
const BACK_LIMIT_MS = 20_000;

interface Fault {
  readonly name: string;
  readonly nodes: readonly string[];
}

/** Rows of item 2: the leases of one zone, of all nodes and of a single node stop. */
export async function measureNodeLifecycle(context: ScenarioContext): Promise<Row[]> {
  const missing = missingBinaries(['etcd', 'kube-apiserver', 'kube-controller-manager']);
  if (missing.length > 0) return [notRun(WHAT, 'all of it', `no ${missing.join(', ')}`)];
  const patched = await requirePatched('kube-controller-manager', context);
  if (patched.kind === 'missing') return [notRun(WHAT, 'all of it', patched.why)];
  const controlPlane = await startControlPlane({
    directory: join(context.directory, 'node-lifecycle'),
    replicas: 1,
    // Nothing here makes service accounts.
    apiserverFlags: ['--disable-admission-plugins=ServiceAccount'],
    log: context.say,
  });
  await context.onEnd(() => controlPlane.stop());
  const site = await createSite(controlPlane, context);
  const stock = await runFaults(site, 'kube-controller-manager', FLAGS);
  const flags = [...FLAGS, ...PATCHED_FLAGS];
  const better = await runFaults(site, patched.name, flags);
  return [
    ...zoneRows(stock.zone, better.zone, { podsPerNode: PODS_PER_NODE, pods: PODS_PER_ZONE }),
    ...allRows(stock.all, better.all, PODS),
    ...singleRows(stock.single, better.single, PODS_PER_NODE),
    measured({ what: 'lease renewals that failed', value: site.kubelets.failures, unit: '' }),
  ];
}

interface Site {
  readonly controlPlane: ControlPlane;
  readonly cluster: FakeCluster;
  readonly kubelets: Kubelets;
  readonly context: ScenarioContext;
}

function nodesOf(zone: string): string[] {
  return Array.from({ length: NODES_PER_ZONE }, (_, index) => `${zone}-${index}`);
}

async function createSite(controlPlane: ControlPlane, context: ScenarioContext): Promise<Site> {
  const cluster = new FakeCluster(controlPlane);
  context.say(`creating ${WHAT} and ${SERVICES} services`);
  const nodes = ZONES.flatMap((zone) => nodesOf(zone).map((name) => ({ name, zone })));
  await inParallel(nodes, ({ name, zone }) => cluster.createNode(name, zone));
  const kubelets = new Kubelets(
    cluster,
    nodes.map(({ name }) => name),
  );
  await context.onEnd(() => kubelets.stop());
  const services = Array.from({ length: SERVICES }, (_, index) => `service-${index}`);
  await inParallel(services, (name) =>
    cluster.create(`/api/v1/namespaces/${NAMESPACE}/services`, {
      kind: 'Service',
      apiVersion: 'v1',
      metadata: { name },
      spec: { selector: { app: name }, ports: [{ port: 443, targetPort: 'web' }] },
    }),
  );
  return { controlPlane, cluster, kubelets, context };
}

async function runFaults(
  site: Site,
  program: string,
  flags: readonly string[],
): Promise<Record<'zone' | 'all' | 'single', Damage>> {
  const { controlPlane, context } = site;
  const [replica] = controlPlane.replicas;
  if (replica === undefined) throw new Error('a control plane without a replica');
  const manager = await startControllerManager(controlPlane, { url: replica.url, flags, program });
  const measure = async (fault: Fault): Promise<Damage> => {
    await repair(site);
    context.say(`${program}: ${fault.name}`);
    return measureFault(site, fault);
  };
  const damage = {
    zone: await measure({ name: 'the leases of one zone stop', nodes: nodesOf('a') }),
    all: await measure({ name: 'all leases stop', nodes: ZONES.flatMap(nodesOf) }),
    single: await measure({ name: 'the lease of one node stops', nodes: ['a-0'] }),
  };
  await manager.kill();
  return damage;
}

/** Waits until all pods are there and are endpoints, and creates those that are not there. */
async function repair({ cluster, kubelets }: Site): Promise<void> {
  await poll(`${PODS} endpoints`, async () => {
    // What comes to a node that the controller still takes for lost is marked, or evicted, again.
    await createMissingPods(cluster);
    await kubelets.reportPods();
    if (await cluster.someNodeIsLost()) return undefined;
    return (await countEndpoints(cluster)) === PODS ? true : undefined;
  });
}

async function createMissingPods(cluster: FakeCluster): Promise<void> {
  const there = new Set((await cluster.listPods('newest')).map(({ metadata }) => metadata.name));
  const indices = Array.from({ length: PODS }, (_, index) => index);
  await inParallel(
    indices.filter((index) => !there.has(`pod-${index}`)),
    (index) => {
      const zone = ZONES[index % ZONES.length] ?? '';
      const node = Math.floor(index / ZONES.length) % NODES_PER_ZONE;
      return cluster.createPod({
        name: `pod-${index}`,
        node: `${zone}-${node}`,
        ip: `10.1.${Math.floor(index / 250)}.${(index % 250) + 1}`,
        labels: { app: `service-${Math.floor(index / (PODS / SERVICES))}` },
      });
    },
  );
}

interface Slice {
  readonly endpoints: readonly { readonly conditions: { readonly ready?: boolean } }[] | null;
}

async function countEndpoints(cluster: FakeCluster): Promise<number> {
  const path = `/apis/discovery.k8s.io/v1/namespaces/${NAMESPACE}/endpointslices?resourceVersion=0`;
  const { items } = await cluster.get<{ items: Slice[] }>(path);
  return items
    .flatMap(({ endpoints }) => endpoints ?? [])
    .filter(({ conditions }) => conditions.ready === true).length;
}

async function measureFault({ cluster, kubelets, context }: Site, fault: Fault): Promise<Damage> {
  const startedAt = performance.now();
  kubelets.silence(fault.nodes);
  // Pods that are evicted have mostly been marked before; both are looked for, one by one.
  const marked = new Set<string>();
  let pods = 0;
  let lostEndpoints = 0;
  let firstMarkMs: number | undefined;
  let lastMarkMs: number | undefined;
  while (performance.now() - startedAt < WATCHED_MS) {
    const list = await cluster.listPods();
    const before = marked.size;
    for (const pod of list) if (!isReady(pod)) marked.add(pod.metadata.name);
    if (marked.size > before) {
      lastMarkMs = performance.now() - startedAt;
      firstMarkMs ??= lastMarkMs;
    }
    pods = list.length;
    lostEndpoints = Math.max(lostEndpoints, PODS - (await countEndpoints(cluster)));
    await delay(SAMPLE_MS, undefined, { signal: context.signal });
  }
  const backAt = performance.now();
  await kubelets.bringBack(fault.nodes);
  await poll(
    'endpoints of all pods that are left',
    async () => {
      await kubelets.reportPods();
      const left = (await cluster.listPods()).length;
      return (await countEndpoints(cluster)) === left ? left : undefined;
    },
    BACK_LIMIT_MS,
  );
  const backMs = performance.now() - backAt;
  const figures = { firstMarkMs, lastMarkMs, backMs };
  return { marked: marked.size, lostEndpoints, evicted: PODS - pods, ...figures };
}
