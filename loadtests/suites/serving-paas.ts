// A serving platform that rolls out models and scales them, as AFO-like ones do with a Deployment for
// each model. A rollout: its user writes a new template; the deployment controller makes a ReplicaSet
// and then scales the new one up and the old one down by one, with a status after each
// (kubernetes/kubernetes pkg/controller/deployment/rolling.go, rolloutRolling; maxSurge and
// maxUnavailable of 25 % of 4 replicas); each pod that comes or goes is a slice written whole. The
// autoscaler of each model reads its scale every 15 s, and writes its own status
// (pkg/controller/podautoscaler/horizontal.go, reconcileAutoscaler; config/v1alpha1/defaults.go);
// every tenth time it changes the scale too.
// A model for ten nodes, and a rollout a minute for twenty: 10 models and 5 rollouts a minute of 100.
// Plain core objects; ReplicaSets and autoscalers are ConfigMaps, or the cluster's own controllers
// would make pods and scale as well, and the Deployments are paused (loadtests/lib/deployments.ts).
import exec from 'k6/execution';
import {
  mustCreateDeployment,
  readScale,
  reportDeployment,
  updateDeployment,
  writeScale,
} from '../lib/deployments.ts';
import { type Flow, flowOptions, markPhase } from '../lib/flow.ts';
import { createConfigMap, deleteObject, updateConfigMap } from '../lib/objects.ts';
import { loadName, makeNodes, nodeOf, removeAll, removePod, runPod } from '../lib/pods.ts';
import { createSlice, deleteSlice, updateSlice } from '../lib/slices.ts';
import { NODES } from '../lib/target.ts';

const REPLICAS = 4;
const MODELS = Math.max(1, Math.ceil(NODES / 10));
const ROLLOUTS_PER_NODE_SECOND = 1 / 1200;
const POLL_SECONDS = 15;
const POLLS_PER_CHANGE = 10;
const WORKERS = Math.max(5, Math.ceil(NODES / 20));

/** Also part of the suite `mixed`. */
export const flows: readonly Flow[] = [
  {
    exec: 'rollOut',
    perSecond: NODES * ROLLOUTS_PER_NODE_SECOND,
    vus: WORKERS,
    independent: true,
  },
  { exec: 'autoscale', perSecond: MODELS / POLL_SECONDS, vus: WORKERS, independent: true },
];
export const options = flowOptions(flows);

export function setup(): void {
  makeNodes();
  makeModels();
}

/** One Deployment and one autoscaler for each model. */
export function makeModels(): void {
  for (let index = 0; index < MODELS; index++) {
    mustCreateDeployment(modelName(index), REPLICAS);
    createConfigMap(`${modelName(index)}-hpa`, { desired: String(REPLICAS) });
  }
}

function modelName(index: number): string {
  return loadName('model', index);
}

/**
 * The pods of a rollout are all of its own: those of the version before were made by this iteration
 * too, so that two rollouts of one model need nothing of each other.
 */
export function rollOut(): void {
  markPhase();
  const number = exec.scenario.iterationInTest;
  const model = modelName(number % MODELS);
  const rollout = loadName('rollout', number);
  const slice = `${rollout}-slice`;
  const nodes = Array.from({ length: REPLICAS }, (_, index) => nodeOf(number + index));
  for (let index = 0; index < REPLICAS; index++) runPod(`${rollout}-old-${index}`, number + index);
  createSlice(slice, { nodes, isReady: () => true });
  updateDeployment(model, REPLICAS, number + 2);
  createConfigMap(`${rollout}-new`, { replicas: '0' });
  createConfigMap(`${rollout}-old`, { replicas: String(REPLICAS) });
  for (let done = 1; done <= REPLICAS; done++) {
    updateConfigMap(`${rollout}-new`, { replicas: String(done) });
    reportDeployment(model, REPLICAS, REPLICAS);
    runPod(`${rollout}-new-${done}`, number + done);
    updateSlice(slice, { nodes: [...nodes, nodeOf(number + done)], isReady: () => true });
    updateConfigMap(`${rollout}-old`, { replicas: String(REPLICAS - done) });
    reportDeployment(model, REPLICAS, REPLICAS);
    // It is out of the slice while it ends.
    updateSlice(slice, { nodes, isReady: (index) => index !== done - 1 });
    removePod(`${rollout}-old-${done - 1}`);
  }
  deleteObject('configmaps', `${rollout}-old`);
  reportDeployment(model, REPLICAS, REPLICAS);
  // What follows is only for the next rollout to find things as this one did.
  deleteObject('configmaps', `${rollout}-new`);
  for (let index = 1; index <= REPLICAS; index++) removePod(`${rollout}-new-${index}`);
  deleteSlice(slice);
}

export function autoscale(): void {
  markPhase();
  const number = exec.scenario.iterationInTest;
  const model = modelName(number % MODELS);
  readScale(model);
  if (number % POLLS_PER_CHANGE === 0) writeScale(model, REPLICAS + (number % 2));
  updateConfigMap(`${model}-hpa`, { desired: String(REPLICAS), polled: String(number) });
}

export function teardown(): void {
  removeAll(['deployments', 'endpointslices', 'configmaps']);
}
