// EndpointSlices as the EndpointSlice controller writes them: always whole (k8s.io/endpointslice
// reconciler.go, finalize: Create, Update, Delete). They are of a controller of our own, or the
// cluster's would delete those without a Service.
import { LOAD_LABELS, must, request } from './api.ts';

const SLICES_PATH = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
const resource = 'endpointslices';

/** What stands in a slice: names of nodes, one for each endpoint, and which of them are ready. */
export interface Endpoints {
  readonly nodes: readonly string[];
  readonly isReady: (index: number) => boolean;
}

function sliceBody(name: string, { nodes, isReady }: Endpoints): object {
  return {
    metadata: {
      name,
      labels: { ...LOAD_LABELS, 'endpointslice.kubernetes.io/managed-by': 'load.evenkeel.dev' },
    },
    addressType: 'IPv4',
    ports: [{ name: 'main', port: 8080, protocol: 'TCP' }],
    endpoints: nodes.map((nodeName, index) => ({
      // A network for benchmarks (RFC 2544, C.2.2): no traffic can go there by mistake.
      addresses: [`198.18.0.${index + 1}`],
      conditions: { ready: isReady(index) },
      nodeName,
    })),
  };
}

/** Of set-up: throws. */
export function mustCreateSlice(name: string, endpoints: Endpoints): void {
  const body = sliceBody(name, endpoints);
  must({ verb: 'POST', resource, scope: 'resource' }, SLICES_PATH, { body });
}

export function createSlice(name: string, endpoints: Endpoints): void {
  const body = sliceBody(name, endpoints);
  request({ verb: 'POST', resource, scope: 'resource' }, SLICES_PATH, { body });
}

export function updateSlice(name: string, endpoints: Endpoints): void {
  const body = sliceBody(name, endpoints);
  request({ verb: 'PUT', resource, scope: 'resource' }, `${SLICES_PATH}/${name}`, { body });
}

export function deleteSlice(name: string): void {
  request({ verb: 'DELETE', resource, scope: 'resource' }, `${SLICES_PATH}/${name}`);
}
