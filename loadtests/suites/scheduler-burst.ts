// A self-made scheduler at work: each pod is made by its controller (POST pods), bound (POST
// pods/binding: pkg/scheduler/framework/plugins/defaultbinder/default_binder.go, Bind) with an event
// (pkg/scheduler/schedule_one.go, finishBinding), and reported by its kubelet (GET, PATCH pods/status:
// pkg/kubelet/status/status_manager.go, syncPod). A tenth of a pod per node and second: 10/s of 100
// nodes. As many pods leave as come, in the same file's order: a DELETE that marks, the last status,
// a DELETE without grace. Plain core objects; nothing in it is random.
import exec from 'k6/execution';

import { type Flow, flowOptions, markPhase } from '../lib/flow.ts';
import { loadName, makeNodes, removeAll, removePod, runPod } from '../lib/pods.ts';
import { NODES } from '../lib/target.ts';

const PODS_PER_NODE_SECOND = 0.1;
// A pod takes nine requests one after the other: a second and a half of pods may be under way.
const SLOTS = Math.max(10, Math.ceil(NODES * 0.15));
/** Pods that live: one on each node, which is reached in 10 s. */
const HELD_PER_SLOT = Math.ceil(NODES / SLOTS);

export const flow: Flow = { exec: 'schedule', perSecond: NODES * PODS_PER_NODE_SECOND, vus: SLOTS };
export const options = flowOptions([flow]);

export function setup(): void {
  makeNodes();
}

// Of one virtual user: k6 runs the file anew for each.
const held: string[] = [];

export function schedule(): void {
  markPhase();
  const number = exec.scenario.iterationInTest;
  const name = loadName('pod', number);
  runPod(name, number);
  held.push(name);
  const oldest = held.length > HELD_PER_SLOT ? held.shift() : undefined;
  if (oldest !== undefined) removePod(oldest);
}

export function teardown(): void {
  removeAll();
}
