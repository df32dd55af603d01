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
function nodeOf(index: number): string {
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
  for (let index = 0; index < NODES; index++) {
    const metadata = { name: nodeOf(index), labels: LOAD_LABELS };
    // Bound pods are collected as orphans where their node does not exist; nothing else may go there.
    must({ verb: 'POST', resource: 'nodes', scope: 'resource' }, '/api/v1/nodes', {
      body: { metadata, spec: { unschedulable: true } },
    });
  }
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

/** For teardown: all of the run in these collections of the namespace, then nodes and account. */
export function removeAll(resources: readonly string[] = []): void {
  const mine = `?labelSelector=${encodeURIComponent(`${LOAD_LABEL}=${RUN_ID}`)}&gracePeriodSeconds=0`;
  const verb = 'DELETECOLLECTION';
  for (const resource of [...resources, 'pods', 'events', 'serviceaccounts']) {
    must({ verb, resource, scope: 'namespace' }, `${NAMESPACE}/${resource}${mine}`);
  }
  must({ verb, resource: 'nodes', scope: 'cluster' }, `/api/v1/nodes${mine}`);
}
