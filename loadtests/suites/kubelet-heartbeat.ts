// Nodes that do nothing but live. Each renews its Lease every 10 s by an update that is not preceded
// by a read (component-helpers apimachinery/lease/controller.go: the lease of the last answer is
// sent back), and reports an unchanged status every 5 min: PATCH of nodes/status, for which it reads
// the node from its own informer (pkg/kubelet/kubelet_node_status.go, tryUpdateNodeStatus;
// NodeStatusReportFrequency in pkg/kubelet/apis/config/v1beta1/defaults.go).
// Plain core objects: Nodes, which no kubelet is behind, and Leases in kube-node-lease.
import exec from 'k6/execution';
import { type Flow, flowOptions, markPhase } from '../lib/flow.ts';
import { type Lease, mustCreateLease, readLease, renewFresh, renewLease } from '../lib/leases.ts';
import { reportNode } from '../lib/nodes.ts';
import { makeNode, removeMine, removeNodes } from '../lib/pods.ts';
import { NODES, RUN_ID } from '../lib/target.ts';

const RENEW_SECONDS = 10;
/** Renewals for each report: 300 s over 10 s. */
const RENEWALS_PER_REPORT = 30;
// A virtual user owns its nodes, since a renewal needs the revision of the one before. More than
// this cost memory and buy nothing: one that waits a whole second still renews ten nodes in time.
const OWNERS = Math.min(NODES, 50);

export const flow: Flow = { exec: 'renew', perSecond: NODES / RENEW_SECONDS, vus: OWNERS };
export const options = flowOptions([flow]);

function nodeName(index: number): string {
  return `load-${RUN_ID}-${index}`;
}

export function setup(): void {
  for (let index = 0; index < NODES; index++) {
    makeNode(nodeName(index));
    mustCreateLease(nodeName(index));
  }
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
  renewHeld(name);
  // By turns, or all nodes of one owner would report at once.
  if (exec.scenario.iterationInTest % RENEWALS_PER_REPORT === 0) reportNode(name);
}

function renewHeld(name: string): void {
  // As at the start of a kubelet, and after a renewal that failed.
  const held = leases.get(name) ?? readLease(name);
  const renewed = held === undefined ? undefined : renewLease(name, held);
  if (renewed === undefined) leases.delete(name);
  else leases.set(name, renewed);
}

/**
 * For suites in which virtual users are not of one flow alone, so that none can own a node: each
 * renewal reads before it writes.
 */
export function renewAny(): void {
  markPhase();
  const number = exec.scenario.iterationInTest;
  const name = nodeName(number % NODES);
  renewFresh(name);
  if (number % RENEWALS_PER_REPORT === 0) reportNode(name);
}

export function teardown(): void {
  removeMine(['leases']);
  removeNodes();
}
