// Events when much goes wrong at once: one POST for each that is new, as recorders send them
// (client-go tools/record/event.go, recordEvent), half an event per node and second:
// 50/s of 100 nodes. They lie in the namespace `default`, about Nodes that need not exist.
// Plain core objects.
import exec from 'k6/execution';
import { LOAD_LABEL, LOAD_LABELS, must, request } from '../lib/api.ts';
import { type Flow, flowOptions, markPhase } from '../lib/flow.ts';
import { NODES, RUN_ID } from '../lib/target.ts';

const EVENTS_PER_NODE_SECOND = 0.5;
const EVENTS = '/api/v1/namespaces/default/events';
// Half a second of events may be under way before k6 has to drop one.
const RECORDERS = Math.max(5, Math.ceil(NODES / 4));

export const flow: Flow = {
  exec: 'report',
  perSecond: NODES * EVENTS_PER_NODE_SECOND,
  vus: RECORDERS,
  independent: true,
};
export const options = flowOptions([flow]);

export function report(): void {
  markPhase();
  const number = exec.scenario.iterationInTest;
  const seconds = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  request({ verb: 'POST', resource: 'events', scope: 'resource' }, EVENTS, {
    body: {
      metadata: { name: `load-${RUN_ID}.${number}`, labels: LOAD_LABELS },
      involvedObject: { apiVersion: 'v1', kind: 'Node', name: `load-${RUN_ID}-${number % NODES}` },
      type: 'Warning',
      reason: 'FailedMount',
      message: 'MountVolume.SetUp failed for volume "kube-api-access": object not registered',
      source: { component: 'kubelet' },
      count: 1,
      firstTimestamp: seconds,
      lastTimestamp: seconds,
    },
  });
}

export function teardown(): void {
  const mine = `?labelSelector=${encodeURIComponent(`${LOAD_LABEL}=${RUN_ID}`)}`;
  must({ verb: 'DELETECOLLECTION', resource: 'events', scope: 'namespace' }, `${EVENTS}${mine}`);
}
