// Pods without nodes behind them: what controllers, the scheduler and a kubelet send for each. They lie
// in the namespace `default`, since one of our own stayed for ever where no controller-manager
// finalizes it, and have a scheduler's name that nobody answers to, so that they start nowhere.
import { LOAD_LABEL, LOAD_LABELS, must, request } from './api.ts';
import { NODES, RUN_ID } from './target.ts';

export const NAMESPACE = '/api/v1/namespaces/default';
const PODS = `${NAMESPACE}/pods`;
const EVENTS = '/apis/events.k8s.io/v1/namespaces/default/events';
const SCHEDULER = 'evenkeel-load';
const ACCOUNT = `load-${RUN_ID}`;

/** Of an object of this run. */
export function loadName(kind: string, index: number): string {
  return `load-${RUN_ID}-${kind}-${index}`;
}

/** The node for the pod of this number: by turns, so that two runs bind alike. */
export function nodeOf(index: number): string {
  return loadName('node', index % NODES);
}

/** What pods need before there can be one: nodes, and an account, which admission asks for. */
export function makeNodes(): void {
  must(
    { verb: 'POST', resource: 'serviceaccounts', scope: 'resource' },
    `${NAMESPACE}/serviceaccounts`,
    {
      body: { metadata: { name: ACCOUNT, labels: LOAD_LABELS } },
    },
  );
  // Bound pods are collected as orphans where their node does not exist.
  for (let index = 0; index < NODES; index++) makeNode(nodeOf(index));
}

/** One that nothing is scheduled to, for it is none. */
export function makeNode(name: string): void {
  must({ verb: 'POST', resource: 'nodes', scope: 'resource' }, '/api/v1/nodes', {
    body: { metadata: { name, labels: LOAD_LABELS }, spec: { unschedulable: true } },
  });
}

/** By a controller. */
export function createPod(name: string, labels: Readonly<Record<string, string>> = {}): void {
  request({ verb: 'POST', resource: 'pods', scope: 'resource' }, PODS, {
    body: {
      metadata: { name, labels: { ...labels, ...LOAD_LABELS } },
      spec: {
        schedulerName: SCHEDULER,
        serviceAccountName: ACCOUNT,
        containers: [
          {
            name: 'main',
            image: 'registry.invalid/load:1',
            resources: { requests: { cpu: '1', memory: '1Gi' } },
          },
        ],
      },
    },
  });
}

/**
 * By a scheduler: the binding, then the event (pkg/scheduler/framework/plugins/defaultbinder/
 * default_binder.go, Bind; pkg/scheduler/schedule_one.go, finishBinding).
 */
export function bindPod(name: string, index: number): void {
  const node = nodeOf(index);
  request(
    { verb: 'POST', resource: 'pods/binding', scope: 'resource' },
    `${PODS}/${name}/binding`,
    {
      body: { metadata: { name }, target: { kind: 'Node', name: node } },
    },
  );
  const note = `Successfully assigned default/${name} to ${node}`;
  reportEvent({ kind: 'Pod', name }, 'Scheduled', note);
}

interface Regarded {
  readonly kind: string;
  readonly name: string;
}

/** One of each reason about an object: it is named after both. */
export function reportEvent({ kind, name }: Regarded, reason: string, note: string): void {
  request({ verb: 'POST', resource: 'events', scope: 'resource' }, EVENTS, {
    body: {
      metadata: { name: `${name}.${reason.toLowerCase()}`, labels: LOAD_LABELS },
      // metav1.MicroTime has six digits, and Date has three.
      eventTime: new Date().toISOString().replace('Z', '000Z'),
      reportingController: SCHEDULER,
      reportingInstance: `${SCHEDULER}-0`,
      action: 'Binding',
      reason,
      type: 'Normal',
      regarding: { kind, namespace: 'default', name },
      note,
    },
  });
}

/** By a kubelet: GET, then PATCH of the status (pkg/kubelet/status/status_manager.go, syncPod). */
export function reportPod(name: string, phase: 'Running' | 'Succeeded'): void {
  const path = `${PODS}/${name}`;
  request({ verb: 'GET', resource: 'pods', scope: 'resource' }, path);
  const lastTransitionTime = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  const status = phase === 'Running' ? 'True' : 'False';
  const patch = { verb: 'PATCH', resource: 'pods/status', scope: 'resource' } as const;
  request(patch, `${path}/status`, {
    body: { status: { phase, conditions: [{ type: 'Ready', status, lastTransitionTime }] } },
    contentType: 'application/strategic-merge-patch+json',
  });
}

/** As the server has it; of it only what is changed here is named. */
interface Pod {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly containers: readonly object[] };
  readonly status?: { readonly conditions?: readonly { readonly type: string }[] };
}

/** Undefined when there is no answer. */
export function readPod(name: string): Pod | undefined {
  const answer = request({ verb: 'GET', resource: 'pods', scope: 'resource' }, `${PODS}/${name}`);
  return answer.status === 200 ? (answer.json() as unknown as Pod) : undefined;
}

/** By a controller that has read it: another image, which may change while a pod lives. */
export function updatePod(pod: Pod | undefined, image: string): void {
  if (pod === undefined) return;
  const containers = pod.spec.containers.map((container) => ({ ...container, image }));
  const path = `${PODS}/${pod.metadata.name}`;
  request({ verb: 'PUT', resource: 'pods', scope: 'resource' }, path, {
    body: { ...pod, spec: { ...pod.spec, containers } },
  });
}

/** By a controller that has read it: one condition is written. */
export function updatePodStatus(
  pod: Pod | undefined,
  type: string,
  status: 'True' | 'False',
): void {
  if (pod === undefined) return;
  const others = pod.status?.conditions?.filter((condition) => condition.type !== type) ?? [];
  const lastTransitionTime = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  const conditions = [...others, { type, status, lastTransitionTime }];
  const path = `${PODS}/${pod.metadata.name}/status`;
  request({ verb: 'PUT', resource: 'pods/status', scope: 'resource' }, path, {
    body: { ...pod, status: { ...pod.status, conditions } },
  });
}

/** All that is sent until a pod runs. */
export function runPod(name: string, index: number): void {
  createPod(name);
  bindPod(name, index);
  reportPod(name, 'Running');
}

/**
 * Whoever wants the pod gone only marks it; its kubelet reports that the containers have ended, and
 * then deletes it without grace (status_manager.go, canBeDeleted).
 */
export function removePod(name: string): void {
  const path = `${PODS}/${name}`;
  request({ verb: 'DELETE', resource: 'pods', scope: 'resource' }, path);
  reportPod(name, 'Succeeded');
  request({ verb: 'DELETE', resource: 'pods', scope: 'resource' }, `${path}?gracePeriodSeconds=0`);
}

/** Where collections lie that are not of the core group. */
const COLLECTIONS: Readonly<Record<string, string>> = {
  deployments: '/apis/apps/v1/namespaces/default/deployments',
  endpointslices: '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices',
  leases: '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases',
};

const MINE = `?labelSelector=${encodeURIComponent(`${LOAD_LABEL}=${RUN_ID}`)}&gracePeriodSeconds=0`;

/** For teardown: all of the run in these collections of the namespace. */
export function removeMine(resources: readonly string[]): void {
  for (const resource of resources) {
    const path = COLLECTIONS[resource] ?? `${NAMESPACE}/${resource}`;
    must({ verb: 'DELETECOLLECTION', resource, scope: 'namespace' }, `${path}${MINE}`);
  }
}

/** The same, then all that pods need. */
export function removeAll(resources: readonly string[] = []): void {
  removeMine([...resources, 'pods', 'events', 'serviceaccounts']);
  removeNodes();
}

export function removeNodes(): void {
  const verb = 'DELETECOLLECTION';
  must({ verb, resource: 'nodes', scope: 'cluster' }, `/api/v1/nodes${MINE}`);
}
