// Services whose pods come and go: for each change the EndpointSlice controller writes a whole slice
// of up to 100 endpoints (k8s.io/endpointslice reconciler.go, finalize: Update; MaxEndpointsPerSlice
// in pkg/controller/endpointslice/config/v1alpha1/defaults.go), which every kube-proxy then gets by
// its watch. Three changes of four are a PUT of a full slice in which one endpoint turns ready or not;
// with the fourth a slice that was needed for a moment is made and deleted.
// A tenth of a change per node and second, over a service for ten nodes: 10/s on 10 slices of 100 nodes.
// Plain core objects. The slices are of a controller of our own (endpointslice.kubernetes.io/
// managed-by), or the cluster's would delete those without a Service. Nothing in it is random.
// biome-ignore lint/correctness/noUndeclaredDependencies: k6 itself provides it.
import exec from 'k6/execution';
import { LOAD_LABEL, LOAD_LABELS, must, request } from '../lib/api.ts';
import { flowOptions, markPhase } from '../lib/flow.ts';
import { loadName } from '../lib/pods.ts';
import { NODES, RUN_ID } from '../lib/target.ts';

const SLICES_PATH = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
const ENDPOINTS_PER_SLICE = 100;
const CHANGES_PER_NODE_SECOND = 0.1;
const CHANGES_PER_NEW_SLICE = 4;
const SLICES = Math.max(1, Math.ceil(NODES / 10));
const WORKERS = Math.max(10, Math.ceil(NODES / 10));

export const options = flowOptions([
  { exec: 'change', perSecond: NODES * CHANGES_PER_NODE_SECOND, vus: WORKERS, independent: true },
]);

/** Of `turn` every endpoint but one is ready. */
function slice(name: string, turn: number): object {
  return {
    metadata: {
      name,
      labels: { ...LOAD_LABELS, 'endpointslice.kubernetes.io/managed-by': 'load.evenkeel.dev' },
    },
    addressType: 'IPv4',
    ports: [{ name: 'main', port: 8080, protocol: 'TCP' }],
    endpoints: Array.from({ length: ENDPOINTS_PER_SLICE }, (_, index) => ({
      // A network for benchmarks (RFC 2544, C.2.2): no traffic can go there by mistake.
      addresses: [`198.18.0.${index + 1}`],
      conditions: { ready: index !== turn % ENDPOINTS_PER_SLICE },
      nodeName: loadName('node', index % NODES),
    })),
  };
}

export function setup(): void {
  for (let index = 0; index < SLICES; index++) {
    must({ verb: 'POST', resource: 'endpointslices', scope: 'resource' }, SLICES_PATH, {
      body: slice(loadName('slice', index), 0),
    });
  }
}

export function change(): void {
  markPhase();
  const number = exec.scenario.iterationInTest;
  const resource = 'endpointslices';
  if (number % CHANGES_PER_NEW_SLICE === 0) {
    const name = loadName('new-slice', number);
    request({ verb: 'POST', resource, scope: 'resource' }, SLICES_PATH, {
      body: slice(name, number),
    });
    request({ verb: 'DELETE', resource, scope: 'resource' }, `${SLICES_PATH}/${name}`);
    return;
  }
  const name = loadName('slice', number % SLICES);
  request({ verb: 'PUT', resource, scope: 'resource' }, `${SLICES_PATH}/${name}`, {
    body: slice(name, number),
  });
}

export function teardown(): void {
  const mine = `?labelSelector=${encodeURIComponent(`${LOAD_LABEL}=${RUN_ID}`)}`;
  const verb = 'DELETECOLLECTION';
  must({ verb, resource: 'endpointslices', scope: 'namespace' }, `${SLICES_PATH}${mine}`);
}
