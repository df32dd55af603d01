// Nodes whose leases stop and come back, and what the node lifecycle controller does about each
// (kubernetes/kubernetes pkg/controller/nodelifecycle/node_lifecycle_controller.go, monitorNodeHealth):
// the node's status with Ready unknown (tryUpdateNodeHealth); an event; every pod on it not ready, with
// an event for each (pkg/controller/util/node/controller_utils.go, RecordNodeStatusChange,
// MarkPodsNotReady: PUT of pods/status); the taints unreachable:NoSchedule and :NoExecute
// (SwapNodeControllerTaint: a GET from the watch cache and a PATCH of the node for each). Then the
// kubelet is back: its lease, its status, its pods ready one by one (pkg/kubelet/status/
// status_manager.go, syncPod), and both taints are taken off. The 50 s between are left out: nothing
// is sent in them. Two requests differ: the controller has pods from its informer, where k6 needs a GET
// before each PUT, and it writes the node's status by PUT, here a PATCH of the one condition.
// A flap in a thousand seconds for each node, of ten pods each: 6 a minute of 100 nodes.
// Plain core objects. Nothing in it is random.
import exec from 'k6/execution';
import { type Flow, flowOptions, markPhase } from '../lib/flow.ts';
import { mustCreateLease, renewFresh } from '../lib/leases.ts';
import { reportNode, taintNode } from '../lib/nodes.ts';
import {
  loadName,
  makeNodes,
  nodeOf,
  readPod,
  removeAll,
  reportEvent,
  reportPod,
  runPod,
  updatePodStatus,
} from '../lib/pods.ts';
import { NODES } from '../lib/target.ts';

const PODS_PER_NODE = 10;
/** Of those that flap by turns; pods elsewhere would never be touched. */
const FLAPPING = Math.min(NODES, 20);
const FLAPS_PER_NODE_SECOND = 1 / 1000;
const CONTROLLERS = Math.max(5, Math.ceil(NODES / 20));

export const flow: Flow = {
  exec: 'flap',
  perSecond: NODES * FLAPS_PER_NODE_SECOND,
  vus: CONTROLLERS,
  independent: true,
};
export const options = flowOptions([flow]);

export function setup(): void {
  makeNodes();
  for (let index = 0; index < FLAPPING; index++) {
    mustCreateLease(nodeOf(index));
    for (let pod = 0; pod < PODS_PER_NODE; pod++) {
      const name = podName(index, pod);
      runPod(name, index);
    }
  }
}

function podName(node: number, pod: number): string {
  return `${loadName('resident', node)}-${pod}`;
}

export function flap(): void {
  markPhase();
  const number = exec.scenario.iterationInTest;
  const index = number % FLAPPING;
  const node = nodeOf(index);
  reportNode(node, 'Unknown', 'NodeStatusUnknown');
  // The reason is numbered, since an event is named after it and a node flaps more than once.
  const reason = `NodeNotReady${number}`;
  reportEvent({ kind: 'Node', name: node }, reason, `Node ${node} status is now: NodeNotReady`);
  for (let pod = 0; pod < PODS_PER_NODE; pod++) {
    const name = podName(index, pod);
    updatePodStatus(readPod(name), 'Ready', 'False');
    reportEvent({ kind: 'Pod', name }, reason, 'Node is not ready');
  }
  taintNode(node, ['NoSchedule']);
  taintNode(node, ['NoSchedule', 'NoExecute']);
  renewFresh(node);
  reportNode(node, 'True', 'KubeletReady');
  for (let pod = 0; pod < PODS_PER_NODE; pod++) reportPod(podName(index, pod), 'Running');
  taintNode(node, ['NoExecute']);
  taintNode(node, []);
}

export function teardown(): void {
  removeAll(['leases']);
}
