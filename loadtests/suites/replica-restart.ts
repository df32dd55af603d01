// A kube-apiserver that is lost while clients watch: the case in which control planes have fallen over
// (kubernetes/kubernetes#86483, #139191). Where the control plane is our own the first replica is killed
// after a quarter of the time that is measured, unless --fault says otherwise; elsewhere the run is told
// how by --fault-command. The steady mix is that of three suites, whose heads say after whom it is:
// kubelet-heartbeat, endpoints-churn, and scheduler-burst at half of its rate. The swarm watches services
// and each node's pods (loadtests/run/swarm-plans.ts). Plain core objects. Nothing in it is random.
import { flowOptions } from '../lib/flow.ts';
import { makeNodes, removeAll } from '../lib/pods.ts';
import * as endpoints from './endpoints-churn.ts';
import * as kubelet from './kubelet-heartbeat.ts';
import * as scheduler from './scheduler-burst.ts';

// k6 calls what this file exports, and knows nothing of the files that it comes from.
export const { change } = endpoints;
export const { renewAny } = kubelet;
export const { schedule } = scheduler;

export const options = flowOptions([
  // No virtual user owns a node here: it reads before it writes.
  { ...kubelet.flow, exec: 'renewAny', independent: true },
  endpoints.flow,
  { ...scheduler.flow, perSecond: scheduler.flow.perSecond / 2 },
]);

export function setup(): void {
  kubelet.setup();
  makeNodes();
  endpoints.setup();
}

export function teardown(): void {
  removeAll(['endpointslices', 'leases']);
}
