// What the runners may do: each resource that the suite's files name, with the verbs that suites send,
// and only in the namespaces that suites write to.

export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

interface Allowed {
  readonly group: string;
  /** Undefined for what has none. */
  readonly namespace: string | undefined;
  readonly verbs: readonly string[];
}

const CORE = { group: '', namespace: 'default' } as const;
const REMOVED = ['delete', 'deletecollection'];

const ALLOWED: Readonly<Record<string, Allowed>> = {
  pods: { ...CORE, verbs: ['create', 'get', 'list', 'update', 'patch', ...REMOVED] },
  'pods/binding': { ...CORE, verbs: ['create'] },
  'pods/status': { ...CORE, verbs: ['update', 'patch'] },
  // Written in both of the groups that they are in, and removed in the core's.
  events: { ...CORE, verbs: ['create', 'patch', ...REMOVED] },
  configmaps: { ...CORE, verbs: ['create', 'get', 'update', ...REMOVED] },
  services: { ...CORE, verbs: ['create', 'get', ...REMOVED] },
  serviceaccounts: { ...CORE, verbs: ['create', ...REMOVED] },
  nodes: {
    group: '',
    namespace: undefined,
    verbs: ['create', 'get', 'list', 'patch', ...REMOVED],
  },
  'nodes/status': { group: '', namespace: undefined, verbs: ['patch'] },
  deployments: {
    group: 'apps',
    namespace: 'default',
    verbs: ['create', 'get', 'update', 'patch', ...REMOVED],
  },
  'deployments/scale': { group: 'apps', namespace: 'default', verbs: ['get', 'update', 'patch'] },
  'deployments/status': { group: 'apps', namespace: 'default', verbs: ['update', 'patch'] },
  endpointslices: {
    group: 'discovery.k8s.io',
    namespace: 'default',
    verbs: ['create', 'get', 'update', 'patch', ...REMOVED],
  },
  leases: {
    group: 'coordination.k8s.io',
    namespace: 'kube-node-lease',
    verbs: ['create', 'get', 'update', ...REMOVED],
  },
};

/** By namespace, of which the empty one is the whole cluster. */
export function accessRules(sources: readonly string[]): ReadonlyMap<string, Rule[]> {
  const rules = new Map<string, Rule[]>();
  const text = sources.join('\n');
  const add = (namespace: string, rule: Rule): void => {
    rules.set(namespace, [...(rules.get(namespace) ?? []), rule]);
  };
  for (const [resource, { group, namespace = '', verbs }] of Object.entries(ALLOWED)) {
    if (!text.includes(`'${resource}'`)) continue;
    const apiGroups = resource === 'events' ? ['', 'events.k8s.io'] : [group];
    add(namespace, { apiGroups, resources: [resource], verbs });
  }
  if (/resource: 'pods', scope: 'cluster'/.test(text)) {
    add('', { apiGroups: [''], resources: ['pods'], verbs: ['list'] });
  }
  return rules;
}
