// Notebooks as Kubeflow's controller makes and stops them (kubeflow/kubeflow components/
// notebook-controller/controllers/notebook_controller.go, Reconcile): for each a StatefulSet of one
// and a Service; the notebook's status once its replica is ready and again with the container's
// state; the pod's event issued anew about the notebook. A stop is an annotation on the notebook, by
// which its StatefulSet is written with no replicas (generateStatefulSet) and its pod goes. Then the
// user deletes it. The pod itself is as the StatefulSet controller, scheduler and kubelet have it.
// A start and a stop per minute for ten nodes: 10 a minute of 100 nodes.
// The notebook is a ConfigMap and the StatefulSet another: definitions made and removed in each run
// would change what every apiserver serves, and a StatefulSet's own controller would make the pod a
// second time where one runs. Nothing in it is random.
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
  reportEvent,
  reportPod,
} from '../lib/pods.ts';
import { NODES } from '../lib/target.ts';

const NOTEBOOKS_PER_NODE_SECOND = 1 / 600;
// One takes less than a second, of which an apiserver that is slow may make thirty.
const USERS = Math.max(5, Math.ceil(NODES / 20));

export const flow: Flow = {
  exec: 'use',
  perSecond: NODES * NOTEBOOKS_PER_NODE_SECOND,
  vus: USERS,
  independent: true,
};
export const options = flowOptions([flow]);

export function setup(): void {
  makeNodes();
}

export function use(): void {
  markPhase();
  const number = exec.scenario.iterationInTest;
  const notebook = loadName('notebook', number);
  const set = `${notebook}-set`;
  const pod = `${notebook}-0`;
  createConfigMap(notebook, { image: 'jupyter' });
  createConfigMap(set, { replicas: '1' });
  createService(notebook, { statefulset: notebook });
  createPod(pod, { statefulset: notebook, 'notebook-name': notebook });
  bindPod(pod, number);
  reportEvent({ kind: 'ConfigMap', name: notebook }, 'Reissued', `Reissued from pod/${pod}`);
  reportPod(pod, 'Running');
  updateConfigMap(notebook, { image: 'jupyter', readyReplicas: '1' });
  updateConfigMap(notebook, { image: 'jupyter', readyReplicas: '1', state: 'Running' });
  updateConfigMap(notebook, { image: 'jupyter', stopped: new Date().toISOString() });
  updateConfigMap(set, { replicas: '0' });
  removePod(pod);
  updateConfigMap(notebook, { image: 'jupyter', readyReplicas: '0', state: 'Terminated' });
  deleteObject('configmaps', notebook);
  deleteObject('configmaps', set);
  deleteObject('services', notebook);
}

export function teardown(): void {
  removeAll(['services', 'configmaps']);
}
