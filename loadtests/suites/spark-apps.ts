// Spark applications as spark-submit and the driver run them (apache/spark, resource-managers/
// kubernetes/core): the driver's pod, then its service and ConfigMap (deploy/k8s/submit/
// KubernetesClientApplication.scala, run); the executors' ConfigMap (scheduler/cluster/k8s/
// KubernetesClusterSchedulerBackend.scala, setUpExecutorConfigMap); executors in batches of 5, 1 s
// apart (ExecutorPodsAllocator.scala, requestNewExecutors; spark.kubernetes.allocation.batch.size was
// 5 by default before it became 10); a LIST of the executors by label, every 30 s: once in these
// short lives (ExecutorPodsPollingSnapshotSource.scala), without a resourceVersion unless
// KUBERNETES_EXECUTOR_API_POLLING_WITH_RESOURCE_VERSION is set; at the end service, executors and ConfigMap are deleted by
// label (KubernetesClusterSchedulerBackend.scala, stop), then whoever submitted deletes the driver.
// An application per minute for ten nodes: 10 a minute of 100 nodes, of 11 pods each.
// Plain core objects: a SparkApplication would only add its own writes. The driver's watch is not
// here: k6 reads a response to its end before a script sees any of it.
import { sleep } from 'k6';
import exec from 'k6/execution';
import { request } from '../lib/api.ts';
import { type Flow, flowOptions, markPhase } from '../lib/flow.ts';
import { createConfigMap, createService, deleteObject } from '../lib/objects.ts';
import {
  bindPod,
  createPod,
  loadName,
  makeNodes,
  NAMESPACE,
  removeAll,
  removePod,
  reportPod,
} from '../lib/pods.ts';
import { NODES } from '../lib/target.ts';

const BATCHES = 2;
const BATCH_SIZE = 5;
const BATCH_DELAY_SECONDS = 1;
const APPS_PER_NODE_SECOND = 1 / 600;
// One lives for some seconds, of which an apiserver that is slow may make thirty.
const DRIVERS = Math.max(10, Math.ceil(NODES / 10));

export const flow: Flow = {
  exec: 'submit',
  perSecond: NODES * APPS_PER_NODE_SECOND,
  vus: DRIVERS,
  independent: true,
};
export const options = flowOptions([flow]);

export function setup(): void {
  makeNodes();
}

export function submit(): void {
  markPhase();
  const number = exec.scenario.iterationInTest;
  const app = loadName('spark', number);
  const driver = `${app}-driver`;
  const ofApp = { 'spark-app-selector': app };
  const ofExecutors = { ...ofApp, 'spark-role': 'executor' };
  createPod(driver, { ...ofApp, 'spark-role': 'driver' });
  createService(`${driver}-svc`, ofApp);
  createConfigMap(
    `${app}-driver-conf`,
    { 'spark.properties': 'spark.executor.instances=10' },
    ofApp,
  );
  bindPod(driver, number);
  reportPod(driver, 'Running');
  createConfigMap(`${app}-exec-conf`, { 'spark.kubernetes.namespace': 'default' }, ofExecutors);
  const executors: string[] = [];
  for (let batch = 0; batch < BATCHES; batch++) {
    executors.push(...allocate(app, batch, ofExecutors));
    sleep(BATCH_DELAY_SECONDS);
  }
  poll(app);
  deleteObject('services', `${driver}-svc`);
  for (const executor of executors) removePod(executor);
  deleteObject('configmaps', `${app}-exec-conf`);
  removePod(driver);
  // The garbage collector's work, where one runs: the driver owns it.
  deleteObject('configmaps', `${app}-driver-conf`);
}

/** A batch, which the next one waits for. */
function allocate(app: string, batch: number, labels: Readonly<Record<string, string>>): string[] {
  const first = batch * BATCH_SIZE;
  const names = Array.from(
    { length: BATCH_SIZE },
    (_, index) => `${app}-exec-${first + index + 1}`,
  );
  for (const name of names) createPod(name, labels);
  for (const [index, name] of names.entries()) {
    bindPod(name, first + index);
    reportPod(name, 'Running');
  }
  return names;
}

function poll(app: string): void {
  const selector = `spark-app-selector=${app},spark-role=executor,spark-exec-inactive!=true`;
  const path = `${NAMESPACE}/pods?labelSelector=${encodeURIComponent(selector)}`;
  request({ verb: 'LIST', resource: 'pods', scope: 'namespace' }, path);
}

export function teardown(): void {
  removeAll(['services', 'configmaps']);
}
