// Nodes and pods that exist as objects only, and scripts that do to them what kubelets do.
import { setInterval as every } from 'node:timers/promises';
import type { ControlPlane } from '../../tools/control-plane.ts';
import { poll } from '../../tools/poll.ts';
import { requestDirectly } from '../apiserver-client.ts';

export const NAMESPACE = 'default';

/** The parts of a Pod that are read here. */
export interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly resourceVersion?: string;
    readonly deletionTimestamp?: string;
  };
  readonly spec: { readonly nodeName?: string };
  readonly status: { readonly conditions?: readonly Condition[] };
}

interface Node {
  readonly spec: { readonly taints?: readonly object[] };
  readonly status: Pod['status'];
}

interface Condition {
  readonly type: string;
  readonly status: string;
}

/** What a fake pod is made of. */
export interface PodSpec {
  readonly name: string;
  readonly node: string;
  readonly ip: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

// Kubelets renew every 10 s of a grace period of 50 s; the same share of the one that is used here.
const RENEW_MS = 1000;
// As many requests at a time as a small apiserver answers without queueing.
const CONCURRENT = 16;
const MERGE_PATCH = 'application/merge-patch+json';
// An apiserver makes the namespace of leases soon after its start.
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';

/** One control plane's objects, as its administrator. */
export class FakeCluster {
  readonly #controlPlane: ControlPlane;

  constructor(controlPlane: ControlPlane) {
    this.#controlPlane = controlPlane;
  }

  async get<T>(path: string): Promise<T> {
    return JSON.parse(await this.#request('GET', path)) as T;
  }

  async create(path: string, body: object): Promise<void> {
    await this.#request('POST', path, body);
  }

  async patch(path: string, body: object): Promise<void> {
    await this.#request('PATCH', path, body);
  }

  async delete(path: string): Promise<void> {
    await this.#request('DELETE', path);
  }

  async createNode(name: string, zone: string): Promise<void> {
    await poll(`namespace of leases`, async () => {
      const path = '/api/v1/namespaces/kube-node-lease';
      return this.get(path).catch(() => undefined);
    });
    await this.create('/api/v1/nodes', {
      kind: 'Node',
      apiVersion: 'v1',
      metadata: {
        name,
        labels: {
          'topology.kubernetes.io/region': 'region',
          'topology.kubernetes.io/zone': zone,
        },
      },
    });
    await this.create(LEASES, {
      kind: 'Lease',
      apiVersion: 'coordination.k8s.io/v1',
      metadata: { name },
      spec: { holderIdentity: name, leaseDurationSeconds: 4, renewTime: microTime() },
    });
    await this.reportNodeReady(name);
  }

  /** What a kubelet does after its start, and when it finds that its node is not ready. */
  async reportNodeReady(name: string): Promise<void> {
    const now = new Date().toISOString();
    const condition = { status: 'True', reason: 'KubeletReady', lastHeartbeatTime: now };
    await this.patch(`/api/v1/nodes/${name}/status`, {
      status: { conditions: [{ type: 'Ready', lastTransitionTime: now, ...condition }] },
    });
  }

  async renewLease(name: string): Promise<void> {
    await this.patch(`${LEASES}/${name}`, { spec: { renewTime: microTime() } });
  }

  /** A running pod with one container that listens on 8443, its port `web`. */
  async createPod({ name, node, ip, labels, annotations = {} }: PodSpec): Promise<void> {
    const tolerate = (key: string): object => ({
      ...{ key, operator: 'Exists', effect: 'NoExecute' },
      // Instead of the 300 s that admission adds: long enough for a controller that finds out that
      // all nodes are lost to take its taints back.
      tolerationSeconds: 4,
    });
    await this.create(`/api/v1/namespaces/${NAMESPACE}/pods`, {
      kind: 'Pod',
      apiVersion: 'v1',
      metadata: { name, labels, annotations },
      spec: {
        nodeName: node,
        // Nobody is there who would end it: deleted is gone.
        terminationGracePeriodSeconds: 0,
        containers: [
          { name: 'main', image: 'none', ports: [{ name: 'web', containerPort: 8443 }] },
        ],
        tolerations: ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].map(
          tolerate,
        ),
      },
    });
    await this.reportPodReady(name, true, ip);
  }

  async reportPodReady(name: string, ready: boolean, ip?: string): Promise<void> {
    const status = ready ? 'True' : 'False';
    await this.patch(`/api/v1/namespaces/${NAMESPACE}/pods/${name}/status`, {
      status: {
        phase: 'Running',
        conditions: [{ type: 'Ready', status, lastTransitionTime: new Date().toISOString() }],
        ...(ip === undefined ? {} : { podIP: ip, podIPs: [{ ip }] }),
      },
    });
  }

  /** Whether the controller takes any node for lost, or has not taken back what it did to one. */
  async someNodeIsLost(): Promise<boolean> {
    const { items } = await this.get<{ items: Node[] }>('/api/v1/nodes');
    return items.some(({ spec, status }) => (spec.taints ?? []).length > 0 || !isReady({ status }));
  }

  /** By default from the apiserver's memory: often asked, it must not weigh on etcd. */
  async listPods(age: 'newest' | 'recent' = 'recent'): Promise<readonly Pod[]> {
    const query = age === 'recent' ? '?resourceVersion=0' : '';
    const path = `/api/v1/namespaces/${NAMESPACE}/pods${query}`;
    return (await this.get<{ items: Pod[] }>(path)).items;
  }

  async #request(
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    path: string,
    body?: object,
  ): Promise<string> {
    const [replica] = this.#controlPlane.replicas;
    if (replica === undefined) throw new Error('a control plane without a replica');
    return requestDirectly(this.#controlPlane, replica, {
      method,
      path,
      ...(body === undefined ? {} : { body }),
      ...(method === 'PATCH' ? { contentType: MERGE_PATCH } : {}),
    });
  }
}

/** Renews the leases of nodes as their kubelets would, each at a time of its own in the second. */
export class Kubelets {
  readonly #cluster: FakeCluster;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  readonly #silent = new Set<string>();
  #failures = 0;

  constructor(cluster: FakeCluster, nodes: readonly string[]) {
    this.#cluster = cluster;
    this.#running = this.#run(nodes);
  }

  /** Renewals that were refused or not answered: with some, nodes may be lost by themselves. */
  get failures(): number {
    return this.#failures;
  }

  silence(nodes: readonly string[]): void {
    for (const node of nodes) this.#silent.add(node);
  }

  /** The nodes say that they are ready; of their pods `reportPods` says it. */
  async bringBack(nodes: readonly string[]): Promise<void> {
    for (const node of nodes) this.#silent.delete(node);
    await inParallel(nodes, async (node) => {
      await this.#cluster.renewLease(node);
      await this.#cluster.reportNodeReady(node);
    });
  }

  /** What a kubelet does when it sees that a pod of its own was marked: it says that it is ready. */
  async reportPods(): Promise<void> {
    const pods = (await this.#cluster.listPods()).filter(
      (pod) => !(isReady(pod) || this.#silent.has(pod.spec.nodeName ?? '')),
    );
    await inParallel(pods, ({ metadata }) =>
      // It may have been evicted by now, and a kubelet too would only try again.
      this.#cluster.reportPodReady(metadata.name, true).catch(() => undefined),
    );
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(nodes: readonly string[]): Promise<void> {
    let next = 0;
    try {
      for await (const _ of every(RENEW_MS / nodes.length, undefined, this.#stop)) {
        const node = nodes[next++ % nodes.length] ?? '';
        if (this.#silent.has(node)) continue;
        this.#cluster.renewLease(node).catch(() => {
          this.#failures += 1;
        });
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) throw error;
    }
  }
}

export function isReady({ status }: Pick<Pod, 'status'>): boolean {
  return (status.conditions ?? []).some(
    (condition) => condition.type === 'Ready' && condition.status === 'True',
  );
}

/** Does `work` with each of `items`, a few at a time. */
export async function inParallel<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = [...items];
  const worker = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: CONCURRENT }, worker));
}

/** RFC 3339 with six digits, as the field demands (apimachinery, pkg/apis/meta/v1/micro_time.go). */
function microTime(): string {
  return new Date().toISOString().replace('Z', '000Z');
}
