// Leases of nodes (component-helpers apimachinery/lease/controller.go).
import { LOAD_LABELS, must, request } from './api.ts';

const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
const resource = 'leases';

export interface Lease {
  readonly metadata: object;
  readonly spec: object;
}

function leaseSpec(holderIdentity: string): object {
  // metav1.MicroTime has six digits, and Date has three.
  const renewTime = new Date().toISOString().replace('Z', '000Z');
  return { holderIdentity, leaseDurationSeconds: 40, renewTime };
}

/** Of set-up: throws. */
export function mustCreateLease(name: string): void {
  must({ verb: 'POST', resource, scope: 'resource' }, LEASES, {
    body: { metadata: { name, labels: LOAD_LABELS }, spec: leaseSpec(name) },
  });
}

export function readLease(name: string): Lease | undefined {
  const answer = request({ verb: 'GET', resource, scope: 'resource' }, `${LEASES}/${name}`);
  return answer.status === 200 ? (answer.json() as unknown as Lease) : undefined;
}

/** `held` with a new time; undefined when it was not the last one, or nobody answered. */
export function renewLease(name: string, held: Lease): Lease | undefined {
  const body = { ...held, spec: { ...held.spec, ...leaseSpec(name) } };
  const path = `${LEASES}/${name}`;
  const answer = request({ verb: 'PUT', resource, scope: 'resource' }, path, { body });
  return answer.status === 200 ? (answer.json() as unknown as Lease) : undefined;
}

/** As at the start of a kubelet, and after a renewal that failed. */
export function renewFresh(name: string): void {
  const lease = readLease(name);
  if (lease !== undefined) renewLease(name, lease);
}
