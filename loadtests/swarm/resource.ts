// What the swarm can write itself, and so can watch.

export interface SwarmResource {
  readonly plural: string;
  readonly kind: string;
  readonly apiVersion: string;
  /** What an object of it needs beside its metadata. */
  readonly body: object;
}

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
  { plural: 'leases', kind: 'Lease', apiVersion: 'coordination.k8s.io/v1', body: { spec: {} } },
];

export const RESOURCE_NAMES: readonly string[] = RESOURCES.map(({ plural }) => plural);

export function findResource(plural: string): SwarmResource | undefined {
  return RESOURCES.find((resource) => resource.plural === plural);
}

/** Path of all its objects in a namespace. */
export function collectionPath({ apiVersion, plural }: SwarmResource, namespace: string): string {
  const root = apiVersion.includes('/') ? '/apis' : '/api';
  return `${root}/${apiVersion}/namespaces/${encodeURIComponent(namespace)}/${plural}`;
}
