// Presto clusters that are there for a while: a Deployment for the coordinator and one for the
// workers, a ConfigMap and a Service (there is no operator that all use; so do the charts of
// trinodb/charts, charts/trino/templates/deployment-coordinator.yaml, deployment-worker.yaml).
// Workers are scaled from 0 to 20 and back: the user writes the scale, and the ReplicaSet controller
// makes pods in batches of 1, 2, 4, 8 (kubernetes/kubernetes pkg/controller/replicaset/
// replica_set.go, slowStartBatch); going down it deletes all at once. The service's slice is written
// whole once for each batch.
// A cluster in a thousand seconds for each node: 6 a minute of 100 nodes, of 21 pods each.
// Plain core objects; the Deployments are paused (loadtests/lib/deployments.ts). Nothing in it is
// random.
import exec from 'k6/execution';
import {
  createDeployment,
  deleteDeployment,
  reportDeployment,
  writeScale,
} from '../lib/deployments.ts';
import { type Flow, flowOptions, markPhase } from '../lib/flow.ts';
import { createConfigMap, createService, deleteObject } from '../lib/objects.ts';
import {
  bindPod,
  createPod,
  loadName,
  makeNodes,
  nodeOf,
  removeAll,
  removePod,
  reportPod,
  runPod,
} from '../lib/pods.ts';
import { createSlice, deleteSlice, updateSlice } from '../lib/slices.ts';
import { NODES } from '../lib/target.ts';

const WORKERS = 20;
const CLUSTERS_PER_NODE_SECOND = 1 / 1000;
const USERS = Math.max(5, Math.ceil(NODES / 20));

export const flow: Flow = {
  exec: 'query',
  perSecond: NODES * CLUSTERS_PER_NODE_SECOND,
  vus: USERS,
  independent: true,
};
export const options = flowOptions([flow]);

export function setup(): void {
  makeNodes();
}

export function query(): void {
  markPhase();
  const number = exec.scenario.iterationInTest;
  const cluster = loadName('presto', number);
  const slice = `${cluster}-slice`;
  const workers = `${cluster}-workers`;
  createConfigMap(cluster, { 'config.properties': 'coordinator=true' });
  createService(cluster, { app: cluster });
  createDeployment(cluster, 1);
  createDeployment(workers, 0);
  const coordinator = `${cluster}-coordinator-0`;
  runPod(coordinator, number);
  createSlice(slice, { nodes: [nodeOf(number)], isReady: () => true });
  writeScale(workers, WORKERS);
  const pods = startWorkers(cluster, number, slice);
  reportDeployment(workers, WORKERS, WORKERS);
  writeScale(workers, 0);
  for (const pod of pods) removePod(pod);
  updateSlice(slice, { nodes: [nodeOf(number)], isReady: () => true });
  reportDeployment(workers, 0, 0);
  removePod(coordinator);
  deleteSlice(slice);
  deleteDeployment(workers);
  deleteDeployment(cluster);
  deleteObject('services', cluster);
  deleteObject('configmaps', cluster);
}

/** In batches, each twice as large as the one before. */
function startWorkers(cluster: string, number: number, slice: string): string[] {
  const pods: string[] = [];
  for (let size = 1; pods.length < WORKERS; size *= 2) {
    const first = pods.length;
    const count = Math.min(size, WORKERS - first);
    const batch = Array.from({ length: count }, (_, index) => `${cluster}-worker-${first + index}`);
    for (const pod of batch) createPod(pod, { app: cluster });
    for (const [index, pod] of batch.entries()) {
      bindPod(pod, number + first + index);
      reportPod(pod, 'Running');
    }
    pods.push(...batch);
    const nodes = Array.from({ length: pods.length }, (_, index) => nodeOf(number + index));
    updateSlice(slice, { nodes, isReady: () => true });
  }
  return pods;
}

export function teardown(): void {
  removeAll(['deployments', 'endpointslices', 'services', 'configmaps']);
}
