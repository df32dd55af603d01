// The resources that the simulator serves, and how each one differs from the plain case. The rows
// follow the registry strategies of kube-apiserver (pkg/registry/*/*/strategy.go).

/** One resource of the API. */
export interface Resource {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly shortNames: readonly string[];
  readonly namespaced: boolean;
  /** Has a /status subresource: a plain update keeps status, an update of /status keeps the rest. */
  readonly status: boolean;
  /** PUT to a name that does not exist creates it. */
  readonly createOnUpdate: boolean;
  /** PUT without a resourceVersion is accepted. */
  readonly unconditionalUpdate: boolean;
  /** DELETE without a name is allowed. */
  readonly deleteCollection: boolean;
  /** DELETE answers with the object instead of a Status. */
  readonly returnsDeleted: boolean;
  /** Served from a CustomResourceDefinition: list items carry kind and apiVersion. */
  readonly custom: boolean;
  /** Field selectors besides metadata.name and metadata.namespace. */
  readonly selectableFields: readonly string[];
  /** Subresources that clients upgrade or stream: not stored. */
  readonly streams: readonly string[];
}

function resource(
  wanted: Partial<Resource> & Pick<Resource, 'plural' | 'singular' | 'kind'>,
): Resource {
  return {
    group: '',
    version: 'v1',
    shortNames: [],
    namespaced: true,
    status: false,
    createOnUpdate: false,
    unconditionalUpdate: true,
    deleteCollection: true,
    returnsDeleted: false,
    custom: false,
    selectableFields: [],
    streams: [],
    ...wanted,
  };
}

const EVENT_FIELDS = [
  'involvedObject.kind',
  'involvedObject.namespace',
  'involvedObject.name',
  'involvedObject.uid',
  'involvedObject.apiVersion',
  'involvedObject.resourceVersion',
  'involvedObject.fieldPath',
  'reason',
  'reportingComponent',
  'source',
  'type',
];

/** Every resource, in the order in which discovery lists them. */
export const RESOURCES: readonly Resource[] = [
  resource({ plural: 'configmaps', singular: 'configmap', kind: 'ConfigMap', shortNames: ['cm'] }),
  resource({
    plural: 'endpoints',
    singular: 'endpoints',
    kind: 'Endpoints',
    shortNames: ['ep'],
    createOnUpdate: true,
  }),
  resource({
    plural: 'events',
    singular: 'event',
    kind: 'Event',
    shortNames: ['ev'],
    createOnUpdate: true,
    selectableFields: EVENT_FIELDS,
  }),
  resource({
    plural: 'namespaces',
    singular: 'namespace',
    kind: 'Namespace',
    shortNames: ['ns'],
    namespaced: false,
    status: true,
    deleteCollection: false,
    returnsDeleted: true,
    selectableFields: ['status.phase'],
  }),
  resource({
    plural: 'nodes',
    singular: 'node',
    kind: 'Node',
    shortNames: ['no'],
    namespaced: false,
    status: true,
    selectableFields: ['spec.unschedulable'],
  }),
  resource({
    plural: 'pods',
    singular: 'pod',
    kind: 'Pod',
    shortNames: ['po'],
    status: true,
    returnsDeleted: true,
    selectableFields: [
      'spec.nodeName',
      'spec.restartPolicy',
      'spec.schedulerName',
      'spec.serviceAccountName',
      'spec.hostNetwork',
      'status.phase',
      'status.podIP',
      'status.nominatedNodeName',
    ],
    streams: ['attach', 'exec', 'log', 'portforward'],
  }),
  resource({
    plural: 'secrets',
    singular: 'secret',
    kind: 'Secret',
    selectableFields: ['type'],
  }),
  resource({
    plural: 'services',
    singular: 'service',
    kind: 'Service',
    shortNames: ['svc'],
    status: true,
    createOnUpdate: true,
    returnsDeleted: true,
    selectableFields: ['spec.clusterIP', 'spec.type'],
  }),
  resource({
    group: 'coordination.k8s.io',
    plural: 'leases',
    singular: 'lease',
    kind: 'Lease',
    createOnUpdate: true,
    unconditionalUpdate: false,
  }),
  resource({
    group: 'discovery.k8s.io',
    plural: 'endpointslices',
    singular: 'endpointslice',
    kind: 'EndpointSlice',
  }),
  resource({
    group: 'evenkeel.example.com',
    plural: 'widgets',
    singular: 'widget',
    kind: 'Widget',
    status: true,
    unconditionalUpdate: false,
    custom: true,
  }),
];

/** `pods`, `leases.coordination.k8s.io`: what the store and the metrics call a resource. */
export function resourceKey({ plural, group }: Resource): string {
  return group === '' ? plural : `${plural}.${group}`;
}

/** `v1`, `coordination.k8s.io/v1`. */
export function apiVersion({ group, version }: Resource): string {
  return group === '' ? version : `${group}/${version}`;
}

/** The resource of a path, if the simulator serves it. */
export function findResource(group: string, version: string, plural: string): Resource | undefined {
  return RESOURCES.find(
    (candidate) =>
      candidate.plural === plural && candidate.group === group && candidate.version === version,
  );
}
