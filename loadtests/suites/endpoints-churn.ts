// Services whose pods come and go: for each change the EndpointSlice controller writes a whole slice
// of up to 100 endpoints (k8s.io/endpointslice reconciler.go, finalize: Update; MaxEndpointsPerSlice
// in pkg/controller/endpointslice/config/v1alpha1/defaults.go), which every kube-proxy then gets by
// its watch. Three changes of four are a PUT of a full slice in which one endpoint turns ready or not;
// with the fourth a slice that was needed for a moment is made and deleted.
// A tenth of a change per node and second, over a service for ten nodes: 10/s on 10 slices of 100 nodes.
// Plain core objects. Nothing in it is random.
import exec from 'k6/execution';
import { type Flow, flowOptions, markPhase } from '../lib/flow.ts';
import { loadName, removeMine } from '../lib/pods.ts';
import {
  createSlice,
  deleteSlice,
  type Endpoints,
  mustCreateSlice,
  updateSlice,
} from '../lib/slices.ts';
import { NODES } from '../lib/target.ts';

const ENDPOINTS_PER_SLICE = 100;
const CHANGES_PER_NODE_SECOND = 0.1;
const CHANGES_PER_NEW_SLICE = 4;
const SLICES = Math.max(1, Math.ceil(NODES / 10));
const WORKERS = Math.max(10, Math.ceil(NODES / 10));

export const flow: Flow = {
  exec: 'change',
  perSecond: NODES * CHANGES_PER_NODE_SECOND,
  vus: WORKERS,
  independent: true,
};
export const options = flowOptions([flow]);

/** Of `turn` every endpoint but one is ready. */
function endpoints(turn: number): Endpoints {
  return {
    nodes: Array.from({ length: ENDPOINTS_PER_SLICE }, (_, index) =>
      loadName('node', index % NODES),
    ),
    isReady: (index) => index !== turn % ENDPOINTS_PER_SLICE,
  };
}

export function setup(): void {
  for (let index = 0; index < SLICES; index++)
    mustCreateSlice(loadName('slice', index), endpoints(0));
}

export function change(): void {
  markPhase();
  const number = exec.scenario.iterationInTest;
  if (number % CHANGES_PER_NEW_SLICE === 0) {
    const name = loadName('new-slice', number);
    createSlice(name, endpoints(number));
    deleteSlice(name);
    return;
  }
  updateSlice(loadName('slice', number % SLICES), endpoints(number));
}

export function teardown(): void {
  removeMine(['endpointslices']);
}
