// Controllers at work on what they watch: each informer lists and watches (client-go
// tools/cache/reflector.go, ListAndWatch), which the swarm does beside this script (loadtests/run/
// swarm-plans.ts); what they then do about an event is here: an object is made by a user, written with
// what its controller found (client-go util/retry/util.go, RetryOnConflict: the informer's copy is
// changed, and nothing read, on the first try), and deleted.
// A twentieth of an object per node and second: 5/s of 100 nodes, of three requests each. The watchers
// of configmaps see these too. ConfigMaps stand for CRs. Nothing in it is random.
import exec from 'k6/execution';
import { type Flow, flowOptions, markPhase } from '../lib/flow.ts';
import { createConfigMap, deleteObject, updateConfigMap } from '../lib/objects.ts';
import { loadName, removeMine } from '../lib/pods.ts';
import { NODES } from '../lib/target.ts';

const OBJECTS_PER_NODE_SECOND = 0.05;

export const flow: Flow = {
  exec: 'reconcile',
  perSecond: NODES * OBJECTS_PER_NODE_SECOND,
  // Three requests one after the other: a second and a half of objects may be under way.
  vus: Math.max(10, Math.ceil(NODES / 10)),
  independent: true,
};
export const options = flowOptions([flow]);

export function reconcile(): void {
  markPhase();
  const name = loadName('watched', exec.scenario.iterationInTest);
  createConfigMap(name, { spec: 'wanted' });
  updateConfigMap(name, { spec: 'wanted', status: 'done' });
  deleteObject('configmaps', name);
}

export function teardown(): void {
  removeMine(['configmaps']);
}
