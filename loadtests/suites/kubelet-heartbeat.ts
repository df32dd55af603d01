// Nodes that do nothing but live. Each renews its Lease every 10 s by an update that is not preceded
// by a read (component-helpers apimachinery/lease/controller.go: the lease of the last answer is
// sent back), and reports an unchanged status every 5 min: PATCH of nodes/status, for which it reads
// the node from its own informer (pkg/kubelet/kubelet_node_status.go, tryUpdateNodeStatus;
// NodeStatusReportFrequency in pkg/kubelet/apis/config/v1beta1/defaults.go).
// Plain core objects: Nodes, which no kubelet is behind, and Leases in kube-node-lease.
// biome-ignore lint/correctness/noUndeclaredDependencies: k6 itself provides it.
import exec from 'k6/execution';
import { LOAD_LABEL, LOAD_LABELS, must, request } from '../lib/api.ts';
import { flowOptions, markPhase } from '../lib/flow.ts';
import { NODES, RUN_ID } from '../lib/target.ts';

const RENEW_SECONDS = 10;
/** Renewals for each report: 300 s over 10 s. */
const RENEWALS_PER_REPORT = 30;
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
// A virtual user owns its nodes, since a renewal needs the revision of the one before. More than
// this cost memory and buy nothing: one that waits a whole second still renews ten nodes in time.
const OWNERS = Math.min(NODES, 50);

export const options = flowOptions([
  { exec: 'renew', perSecond: NODES / RENEW_SECONDS, vus: OWNERS },
]);

interface Lease {
  readonly metadata: object;
  readonly spec: object;
}

function nodeName(index: number): string {
  return `load-${RUN_ID}-${index}`;
}

export function setup(): void {
  for (let index = 0; index < NODES; index++) {
    const name = nodeName(index);
    const metadata = { name, labels: LOAD_LABELS };
    must({ verb: 'POST', resource: 'nodes', scope: 'resource' }, '/api/v1/nodes', {
      // Nothing may be scheduled to a node that is none.
      body: { metadata, spec: { unschedulable: true } },
    });
    must({ verb: 'POST', resource: 'leases', scope: 'resource' }, LEASES, {
      body: { metadata, spec: leaseSpec(name) },
    });
  }
}

function leaseSpec(holderIdentity: string): object {
  // metav1.MicroTime has six digits, and Date has three.
  const renewTime = new Date().toISOString().replace('Z', '000Z');
  return { holderIdentity, leaseDurationSeconds: 40, renewTime };
}

// Of one virtual user: k6 runs the file anew for each.
const leases = new Map<string, Lease>();
const calls = { made: 0 };

export function renew(): void {
  markPhase();
  const owner = (exec.vu.idInTest - 1) % OWNERS;
  const owned = Math.floor((NODES - 1 - owner) / OWNERS) + 1;
  const turn = calls.made++;
  const name = nodeName(owner + OWNERS * (turn % owned));
  renewLease(name);
  // By turns, or all nodes of one owner would report at once.
  if (exec.scenario.iterationInTest % RENEWALS_PER_REPORT === 0) reportStatus(name);
}

function renewLease(name: string): void {
  const path = `${LEASES}/${name}`;
  // As at the start of a kubelet, and after a renewal that failed.
  const held = leases.get(name) ?? readLease(path);
  if (held === undefined) return;
  const body = { ...held, spec: { ...held.spec, ...leaseSpec(name) } };
  const answer = request({ verb: 'PUT', resource: 'leases', scope: 'resource' }, path, { body });
  if (answer.status === 200) leases.set(name, answer.json() as unknown as Lease);
  else leases.delete(name);
}

function readLease(path: string): Lease | undefined {
  const answer = request({ verb: 'GET', resource: 'leases', scope: 'resource' }, path);
  return answer.status === 200 ? (answer.json() as unknown as Lease) : undefined;
}

function reportStatus(name: string): void {
  const path = `/api/v1/nodes/${name}`;
  const lastHeartbeatTime = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  const ready = { type: 'Ready', status: 'True', reason: 'KubeletReady', lastHeartbeatTime };
  const patch = { verb: 'PATCH', resource: 'nodes/status', scope: 'resource' } as const;
  request(patch, `${path}/status`, {
    body: { status: { conditions: [ready] } },
    contentType: 'application/strategic-merge-patch+json',
  });
}

export function teardown(): void {
  const mine = `?labelSelector=${encodeURIComponent(`${LOAD_LABEL}=${RUN_ID}`)}`;
  const verb = 'DELETECOLLECTION';
  must({ verb, resource: 'leases', scope: 'namespace' }, `${LEASES}${mine}`);
  must({ verb, resource: 'nodes', scope: 'cluster' }, `/api/v1/nodes${mine}`);
}
