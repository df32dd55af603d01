// The requests that simulator-differential.test.ts sends to both sides, in this order: later ones
// rest on what earlier ones made. `{name}` in a path stands for what an earlier answer held.

/** One request. Paths are below the server; the default user is the admin certificate. */
export interface Step {
  readonly method?: string;
  readonly path: string;
  readonly as?: 'admin' | 'anonymous' | 'alice' | 'wrong token' | 'front proxy' | 'stranger';
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: unknown;
  /** Keeps a field of metadata for later paths and bodies. */
  readonly keep?: 'continue' | 'resourceVersion' | 'uid';
}

const NAMESPACE = '/api/v1/namespaces/differential';
const MAPS = `${NAMESPACE}/configmaps`;
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/differential/leases';
const MERGE = { 'content-type': 'application/merge-patch+json' };
const JSON_PATCH = { 'content-type': 'application/json-patch+json' };
const APPLY = { 'content-type': 'application/apply-patch+yaml' };
const REVIEW = {
  method: 'POST',
  path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
  body: { kind: 'SelfSubjectReview', apiVersion: 'authentication.k8s.io/v1' },
} as const;

function map(name: string, rest: object = {}) {
  return { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name }, ...rest };
}

/** Health, discovery and identity. */
const OUTSIDE_RESOURCES: readonly Step[] = [
  { path: '/readyz' },
  { path: '/livez' },
  { path: '/healthz' },
  { path: '/readyz', as: 'anonymous' },
  { path: '/version' },
  { path: '/version', as: 'anonymous' },
  { path: '/api' },
  { path: '/api', as: 'anonymous' },
  { path: '/apis' },
  { path: '/apis', as: 'alice' },
  { path: '/apis/coordination.k8s.io' },
  { path: '/apis/coordination.k8s.io/v1' },
  { path: '/apis/nope.example.com/v1' },
  { path: '/nope' },
  { path: '/nope', as: 'alice' },
  { path: '/nope', as: 'anonymous' },
  { path: '/metrics', as: 'anonymous' },
  REVIEW,
  { ...REVIEW, as: 'alice' },
  { ...REVIEW, as: 'anonymous' },
  { ...REVIEW, as: 'wrong token' },
  { ...REVIEW, as: 'stranger' },
  { ...REVIEW, as: 'front proxy' },
  {
    ...REVIEW,
    as: 'front proxy',
    headers: { 'x-remote-user': 'carol', 'x-remote-group': ['a', 'b'], 'x-remote-uid': '7' },
  },
  { ...REVIEW, headers: { 'impersonate-user': 'dave', 'impersonate-group': 'x' } },
  { ...REVIEW, as: 'alice', headers: { 'impersonate-user': 'dave' } },
  { path: '/api/v1/pods', as: 'anonymous' },
  { path: '/api/v1/pods', as: 'wrong token' },
  { path: '/api/v1/namespaces/default/pods', as: 'alice' },
  { path: '/api/v1/namespaces/default/pods/x', as: 'alice' },
  { path: '/api/v1/namespaces/default/pods/x/log', as: 'alice' },
  { path: '/apis/coordination.k8s.io/v1/leases', as: 'alice' },
  { path: '/api/v1/pods?watch=1', as: 'alice' },
  { method: 'DELETE', path: '/api/v1/nodes', as: 'alice' },
];

const WRITES: readonly Step[] = [
  {
    method: 'POST',
    path: '/api/v1/namespaces',
    body: { kind: 'Namespace', apiVersion: 'v1', metadata: { name: 'differential' } },
  },
  { path: NAMESPACE },
  { path: MAPS },
  { method: 'POST', path: MAPS, body: map('a', { data: { x: '1' } }), keep: 'resourceVersion' },
  { method: 'POST', path: MAPS, body: map('a') },
  { method: 'POST', path: MAPS, body: map('') },
  { method: 'POST', path: MAPS, body: map('Bad_Name') },
  { method: 'POST', path: MAPS, body: { metadata: { name: 'bare' } } },
  { method: 'POST', path: MAPS, body: { ...map('b'), metadata: { generateName: 'g-' } } },
  { method: 'POST', path: MAPS, body: { ...map('b'), metadata: { name: 'b', namespace: 'x' } } },
  {
    method: 'POST',
    path: MAPS,
    body: { ...map('b'), metadata: { name: 'b', resourceVersion: '1' } },
  },
  { method: 'POST', path: MAPS, body: { ...map('b'), kind: 'Pod' } },
  { method: 'POST', path: MAPS, body: '{"kind":' },
  { method: 'POST', path: MAPS, body: 'x', headers: { 'content-type': 'text/plain' } },
  { method: 'POST', path: `${MAPS}?dryRun=All`, body: map('dry') },
  { path: `${MAPS}/dry` },
  { method: 'POST', path: '/api/v1/namespaces/nowhere/configmaps', body: map('b') },
  { method: 'POST', path: MAPS, body: map('big', { data: { x: 'x'.repeat(4_000_000) } }) },
  { method: 'POST', path: `${MAPS}/a`, body: map('a') },
  { method: 'PUT', path: MAPS, body: map('a') },
  { path: `${MAPS}/a` },
  { path: `${MAPS}/missing` },
  { method: 'PUT', path: `${MAPS}/a`, body: map('a', { data: { x: '2' } }) },
  { method: 'PUT', path: `${MAPS}/a`, body: map('other') },
  { method: 'PUT', path: `${MAPS}/missing`, body: map('missing') },
  {
    method: 'PUT',
    path: `${MAPS}/a`,
    body: { ...map('a'), metadata: { name: 'a', resourceVersion: '{resourceVersion}' } },
  },
  { method: 'PATCH', path: `${MAPS}/a`, headers: MERGE, body: { data: { y: '3', x: null } } },
  { method: 'PATCH', path: `${MAPS}/missing`, headers: MERGE, body: { data: { y: '3' } } },
  { method: 'PATCH', path: `${MAPS}/a`, headers: { 'content-type': 'text/plain' }, body: {} },
  {
    method: 'PATCH',
    path: `${MAPS}/a`,
    headers: JSON_PATCH,
    body: [{ op: 'add', path: '/data/z', value: '4' }],
  },
  {
    method: 'PATCH',
    path: `${MAPS}/a`,
    headers: JSON_PATCH,
    body: [{ op: 'test', path: '/data/z', value: '5' }],
  },
  {
    method: 'PATCH',
    path: `${MAPS}/applied?fieldManager=test`,
    headers: APPLY,
    body: map('applied', { data: { a: '1' } }),
  },
  { method: 'PATCH', path: `${MAPS}/applied`, headers: APPLY, body: map('applied') },
  { path: `${MAPS}/a/status` },
  { path: `${MAPS}/a/nope` },
  { method: 'PATCH', path: MAPS, headers: MERGE, body: {} },
  {
    method: 'POST',
    path: `${NAMESPACE}/secrets`,
    body: { kind: 'Secret', apiVersion: 'v1', metadata: { name: 's' }, data: { k: 'djE=' } },
  },
  {
    method: 'PUT',
    path: `${LEASES}/l`,
    body: {
      kind: 'Lease',
      apiVersion: 'coordination.k8s.io/v1',
      metadata: { name: 'l' },
      spec: { holderIdentity: 'me' },
    },
  },
  {
    method: 'PUT',
    path: `${LEASES}/l`,
    body: { kind: 'Lease', apiVersion: 'coordination.k8s.io/v1', metadata: { name: 'l' } },
  },
  {
    method: 'POST',
    path: '/api/v1/nodes',
    body: { kind: 'Node', apiVersion: 'v1', metadata: { name: 'node-1' } },
  },
  {
    method: 'PATCH',
    path: '/api/v1/nodes/node-1/status',
    headers: MERGE,
    body: { status: { phase: 'Running' } },
  },
];

const READS: readonly Step[] = [
  { path: `${MAPS}?limit=1`, keep: 'continue' },
  { path: `${MAPS}?limit=1&continue={continue}` },
  { path: `${MAPS}?continue={continue}&resourceVersion=5` },
  { path: `${MAPS}?continue=broken` },
  { path: `${MAPS}?resourceVersion=0&limit=1` },
  { path: `${MAPS}?resourceVersion=abc` },
  { path: `${MAPS}?resourceVersion=99999999` },
  { path: `${MAPS}?resourceVersionMatch=Exact` },
  { path: `${MAPS}?resourceVersionMatch=Exact&resourceVersion=0` },
  { path: `${MAPS}?resourceVersionMatch=Nope&resourceVersion=1` },
  { path: `${MAPS}?labelSelector=a%20b` },
  { path: `${MAPS}?labelSelector=nothing%3Dhere` },
  { path: `${MAPS}?fieldSelector=metadata.name%3Da` },
  { path: `${MAPS}?fieldSelector=spec.nope%3Da` },
  { path: `${MAPS}?fieldSelector=broken` },
  { path: `${MAPS}?limit=abc` },
  { path: '/api/v1/configmaps/a' },
  { path: '/api/v1/things' },
  { path: `${NAMESPACE}/nodes` },
  { path: MAPS, headers: { accept: 'text/html' } },
  { path: MAPS, headers: { accept: 'text/html,*/*' } },
  { method: 'POST', path: '/api/v1/configmaps', body: map('a') },
  { path: `${NAMESPACE}/pods/missing` },
  { path: `${NAMESPACE}/pods/missing/log` },
  { path: `${MAPS}?watch=1&timeoutSeconds=1&resourceVersion={resourceVersion}` },
  { path: `${MAPS}?watch=1&timeoutSeconds=1` },
  { path: `${MAPS}?watch=1&timeoutSeconds=1&sendInitialEvents=true` },
  { path: `${MAPS}?watch=1&timeoutSeconds=1&resourceVersionMatch=NotOlderThan` },
  {
    path: `${MAPS}?watch=1&timeoutSeconds=1&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan`,
  },
  { path: `${MAPS}?watch=1&timeoutSeconds=1&resourceVersion=abc` },
  { path: `${MAPS}/a?watch=1&timeoutSeconds=1` },
];

const DELETES: readonly Step[] = [
  { method: 'DELETE', path: `${MAPS}/missing` },
  { method: 'DELETE', path: `${MAPS}/a` },
  { method: 'DELETE', path: `${LEASES}/l` },
  { method: 'DELETE', path: '/api/v1/nodes/node-1' },
  { method: 'DELETE', path: `${MAPS}?labelSelector=nothing%3Dhere` },
  { method: 'DELETE', path: MAPS },
  { method: 'DELETE', path: '/api/v1/namespaces' },
];

/** All of them. */
export const STEPS: readonly Step[] = [...OUTSIDE_RESOURCES, ...WRITES, ...READS, ...DELETES];
