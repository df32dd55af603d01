// What the swarm can write itself, and so can watch.

export interface SwarmResource {
  readonly plural: string;
  readonly kind: string;
  readonly apiVersion: string;
  /** What an object of it needs beside its metadata. */
  readonly body: object;
  /** Without a namespace. */
  readonly cluster?: true;
}

// One with an address takes it from a range of the cluster, which is not ours to empty.
const HEADLESS = { spec: { clusterIP: 'None', ports: [{ name: 'main', port: 2222 }] } };
const ABOUT_NOTHING = { involvedObject: { kind: 'Node', name: 'none' }, reason: 'Load' };

const RESOURCES: readonly SwarmResource[] = [
  { plural: 'configmaps', kind: 'ConfigMap', apiVersion: 'v1', body: { data: { of: 'a load' } } },
  { plural: 'secrets', kind: 'Secret', apiVersion: 'v1', body: {} },
  {
    plural: 'pods',
    kind: 'Pod',
    apiVersion: 'v1',
    // For a scheduler that nobody runs: it is to be watched, and to start nothing.
    body: {
      spec: {
        schedulerName: 'evenkeel-load',
        automountServiceAccountToken: false,
        containers: [{ name: 'none', image: 'none.invalid/none' }],
      },
    },
  },
  { plural: 'services', kind: 'Service', apiVersion: 'v1', body: HEADLESS },
  { plural: 'events', kind: 'Event', apiVersion: 'v1', body: ABOUT_NOTHING },
  // Nothing is scheduled to it, for it is none.
  {
    plural: 'nodes',
    kind: 'Node',
    apiVersion: 'v1',
    cluster: true,
    body: { spec: { unschedulable: true } },
  },
  {
    plural: 'csidrivers',
    kind: 'CSIDriver',
    apiVersion: 'storage.k8s.io/v1',
    cluster: true,
    body: { spec: {} },
  },
  {
    plural: 'runtimeclasses',
    kind: 'RuntimeClass',
    apiVersion: 'node.k8s.io/v1',
    cluster: true,
    body: { handler: 'none' },
  },
  { plural: 'leases', kind: 'Lease', apiVersion: 'coordination.k8s.io/v1', body: { spec: {} } },
];

export const RESOURCE_NAMES: readonly string[] = RESOURCES.map(({ plural }) => plural);

export function findResource(plural: string): SwarmResource | undefined {
  return RESOURCES.find((resource) => resource.plural === plural);
}

/** Path of all its objects in a namespace; of the cluster where it has none. */
export function collectionPath(
  { apiVersion, plural, cluster }: SwarmResource,
  namespace: string,
): string {
  const root = apiVersion.includes('/') ? '/apis' : '/api';
  if (cluster === true) return `${root}/${apiVersion}/${plural}`;
  return `${root}/${apiVersion}/namespaces/${encodeURIComponent(namespace)}/${plural}`;
}
