// A day of a cluster that does everything: each flow is that of the suite of the same name, whose head
// says after whom it is. The weights are of a day with working hours: heartbeats, endpoints, rollouts
// and notebooks as in their own suites, batch work and its pods at half of that, events at a fifth, as
// nothing is wrong. What is an accident is left out: list-storm and node-flap.
// Heartbeats read before they write, since no virtual user owns a node here. Nothing in it is random.
import { type Flow, flowOptions } from '../lib/flow.ts';
import { makeNodes, removeAll } from '../lib/pods.ts';
import * as endpoints from './endpoints-churn.ts';
import * as storm from './event-storm.ts';
import * as kubelet from './kubelet-heartbeat.ts';
import * as notebooks from './notebook-churn.ts';
import * as presto from './presto-scale.ts';
import * as scheduler from './scheduler-burst.ts';
import * as iaas from './serving-iaas.ts';
import * as paas from './serving-paas.ts';
import * as spark from './spark-apps.ts';
import * as training from './training-gang.ts';

// k6 calls what this file exports, and knows nothing of the files that it comes from.
export const { change } = endpoints;
export const { report } = storm;
export const { renewAny } = kubelet;
export const { use } = notebooks;
export const { query } = presto;
export const { schedule } = scheduler;
export const { update } = iaas;
export const { autoscale, rollOut } = paas;
export const { submit } = spark;
export const { train } = training;

function weighed(flow: Flow, weight: number): Flow {
  return { ...flow, perSecond: flow.perSecond * weight };
}

export const options = flowOptions([
  { ...kubelet.flow, exec: 'renewAny', independent: true },
  endpoints.flow,
  ...paas.flows,
  iaas.flow,
  notebooks.flow,
  weighed(scheduler.flow, 0.5),
  weighed(spark.flow, 0.5),
  weighed(training.flow, 0.5),
  weighed(presto.flow, 0.5),
  weighed(storm.flow, 0.2),
]);

export function setup(): void {
  kubelet.setup();
  makeNodes();
  endpoints.setup();
  paas.makeModels();
  iaas.makeServices();
}

export function teardown(): void {
  removeAll(['deployments', 'endpointslices', 'services', 'configmaps', 'leases']);
}
