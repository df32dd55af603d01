// Ordinary services: pods that live long and are updated where they stand, as OpenKruise's CloneSet
// does it (openkruise/kruise pkg/util/inplaceupdate/inplace_update.go). For each pod: GET and the
// status with the condition InPlaceUpdateReady false (Update, updateCondition); GET and the pod with
// another image (updatePodInPlace); the kubelet's report after the container has started anew; the
// condition true (Refresh). The pod leaves its slice and comes back, each time a slice written whole.
// Three pods for each node, of which one in twenty minutes is updated: 300 pods and 15 updates a minute
// of 100 nodes.
// Plain core objects. Each pod is updated by one iteration at a time. Nothing in it is random.
import exec from 'k6/execution';
import { type Flow, flowOptions, markPhase } from '../lib/flow.ts';
import {
  loadName,
  makeNodes,
  nodeOf,
  readPod,
  removeAll,
  reportPod,
  runPod,
  updatePod,
  updatePodStatus,
} from '../lib/pods.ts';
import { mustCreateSlice, updateSlice } from '../lib/slices.ts';
import { NODES } from '../lib/target.ts';

const PODS = 3 * NODES;
const UPDATES_PER_POD_SECOND = 1 / 1200;
const PODS_PER_SLICE = 50;
const SLICES = Math.ceil(PODS / PODS_PER_SLICE);
const WORKERS = Math.max(5, Math.ceil(NODES / 20));
const READY = 'InPlaceUpdateReady';

export const flow: Flow = {
  exec: 'update',
  perSecond: PODS * UPDATES_PER_POD_SECOND,
  vus: WORKERS,
  independent: true,
};
export const options = flowOptions([flow]);

export function setup(): void {
  makeNodes();
  makeServices();
}

/** All pods, running, and the slices that name them. */
export function makeServices(): void {
  for (let index = 0; index < PODS; index++) {
    const pod = loadName('instance', index);
    runPod(pod, index);
  }
  for (let index = 0; index < SLICES; index++) {
    mustCreateSlice(loadName('service', index), { nodes: nodesOf(index), isReady: () => true });
  }
}

function nodesOf(slice: number): string[] {
  const first = slice * PODS_PER_SLICE;
  const length = Math.min(PODS_PER_SLICE, PODS - first);
  return Array.from({ length }, (_, index) => nodeOf(first + index));
}

export function update(): void {
  markPhase();
  const number = exec.scenario.iterationInTest;
  const index = number % PODS;
  const pod = loadName('instance', index);
  const slice = Math.floor(index / PODS_PER_SLICE);
  const name = loadName('service', slice);
  const nodes = nodesOf(slice);
  updatePodStatus(readPod(pod), READY, 'False');
  updateSlice(name, { nodes, isReady: (at) => at !== index % PODS_PER_SLICE });
  updatePod(readPod(pod), `registry.invalid/load:${number + 2}`);
  reportPod(pod, 'Running');
  updatePodStatus(readPod(pod), READY, 'True');
  updateSlice(name, { nodes, isReady: () => true });
}

export function teardown(): void {
  removeAll(['endpointslices']);
}
