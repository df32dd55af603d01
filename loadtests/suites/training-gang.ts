// Training jobs of the Kubeflow training operator, gangs of 8, 32 and 64 by turns. One reconcile of
// pkg/controller.v1/common (kubeflow/training-operator): the PodGroup and, until it is in the queue,
// a status of the job (job.go, ReconcileJobs), then every pod (pod.go, ReconcilePods) and after them
// a headless service for each (service.go, CreateNewService), one after the other. All members are
// bound at once, or none; the job's status is written as they come up, and when it has ended pod and
// service of each go in turn, then the PodGroup (job.go, DeletePodsAndServices, CleanUpResources).
// A gang per minute for ten nodes: 10 a minute of 100 nodes, which is 5.8 pods/s.
// Job and PodGroup are ConfigMaps: definitions made and removed in each run would change what every
// apiserver serves, and the requests are the same. No protobuf is lost: k6 sends JSON anyway.
import exec from 'k6/execution';
import { type Flow, flowOptions, markPhase } from '../lib/flow.ts';
import { createConfigMap, createService, deleteObject, updateConfigMap } from '../lib/objects.ts';
import {
  bindPod,
  createPod,
  loadName,
  makeNodes,
  removeAll,
  removePod,
  reportPod,
} from '../lib/pods.ts';
import { NODES } from '../lib/target.ts';

const GANG_SIZES = [8, 32, 64];
const STATUSES_PER_GANG = 4;
const GANGS_PER_NODE_SECOND = 1 / 600;
// One takes some seconds, of which an apiserver that is slow may make thirty.
const OPERATORS = Math.max(10, Math.ceil(NODES / 10));

export const flow: Flow = {
  exec: 'train',
  perSecond: NODES * GANGS_PER_NODE_SECOND,
  vus: OPERATORS,
  independent: true,
};
export const options = flowOptions([flow]);

export function setup(): void {
  makeNodes();
}

export function train(): void {
  markPhase();
  const number = exec.scenario.iterationInTest;
  const job = loadName('job', number);
  const group = loadName('podgroup', number);
  const size = GANG_SIZES[number % GANG_SIZES.length] ?? 8;
  const members = Array.from({ length: size }, (_, index) => `${job}-worker-${index}`);
  createConfigMap(job, { status: 'Created' });
  createConfigMap(group, { minMember: String(size) });
  updateConfigMap(job, { status: 'Queued' });
  for (const member of members) createPod(member, { 'training.kubeflow.org/job-name': job });
  for (const member of members) createService(member, { 'training.kubeflow.org/job-name': job });
  for (const [index, member] of members.entries()) bindPod(member, number + index);
  for (const [index, member] of members.entries()) {
    reportPod(member, 'Running');
    const active = index + 1;
    if (active % (size / STATUSES_PER_GANG) === 0) updateConfigMap(job, { active: String(active) });
  }
  updateConfigMap(job, { status: 'Succeeded' });
  for (const member of members) {
    removePod(member);
    deleteObject('services', member);
  }
  deleteObject('configmaps', group);
  deleteObject('configmaps', job);
}

export function teardown(): void {
  removeAll(['services', 'configmaps']);
}
