// The requests of conformance.test.ts that carry a body, that would change something if they were
// not dry runs, refused, or without effect, and watches.
import { MAPS, PROTOBUF, type Row, SPACE, TABLE } from './conformance-rows.ts';

const JSON_TYPE = 'application/json';
const MERGE = 'application/merge-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';
const JSON_PATCH = 'application/json-patch+json';
const APPLY = 'application/apply-patch+yaml';
const REVIEWS = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
const ACCESS_REVIEWS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';

const MALFORMED = 'a stream error (RFC 9113, section 8.1.1), where Go answers 500 or reads on';

type Body = NonNullable<Row['body']>;
type More = Partial<Row>;

const send = (method: string, path: string, type: string, body: Body, more: More = {}): Row => ({
  method,
  path,
  headers: { 'content-type': type, ...more.headers },
  body,
  note: more.headers === undefined ? type : JSON.stringify(more.headers),
  ...withoutHeaders(more),
});
function withoutHeaders({ headers: _, ...rest }: More): More {
  return rest;
}

const make = (path: string, body: unknown, more: More = {}): Row =>
  send('POST', path, JSON_TYPE, typeof body === 'string' ? body : JSON.stringify(body), {
    varies: ['made'],
    ...more,
  });
const map = (name: string, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  ...more,
});

const CREATES: readonly Row[] = [
  make(`${MAPS}?dryRun=All`, map('dry')),
  make(`${MAPS}?dryRun=All`, map('dry', { immutable: true, data: { a: '1', b: '\u00e9\u20ac' } })),
  make(`${MAPS}?dryRun=Some`, map('dry')),
  ...['Strict', 'Warn', 'Ignore', 'Loud'].map((validation) =>
    make(`${MAPS}?dryRun=All&fieldValidation=${validation}`, map('dry', { dato: {}, deta: 1 })),
  ),
  make(
    `${MAPS}?dryRun=All`,
    `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"dry","name":"d"}}`,
  ),
  make(`${MAPS}?dryRun=All&fieldManager=someone`, map('dry')),
  make(`${MAPS}?dryRun=All&fieldManager=${'m'.repeat(200)}`, map('dry')),
  make(MAPS, map('one')),
  make(MAPS, map('Not_A_Name')),
  make(MAPS, map('x', { kind: 'Secret' })),
  make(MAPS, map('x', { apiVersion: 'v2' })),
  make(MAPS, { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'x', namespace: 'other' } }),
  make('/api/v1/namespaces/nowhere/configmaps', map('x')),
  make(`${MAPS}/one`, map('one')),
  make(`${SPACE}/pods?dryRun=All`, { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'p' } }),
  make(`${SPACE}/services?dryRun=All`, {
    kind: 'Service',
    apiVersion: 'v1',
    metadata: { name: '9' },
  }),
  make(REVIEWS, { kind: 'SelfSubjectReview', apiVersion: 'authentication.k8s.io/v1' }),
  make(ACCESS_REVIEWS, {
    kind: 'SelfSubjectAccessReview',
    apiVersion: 'authorization.k8s.io/v1',
    spec: { resourceAttributes: { verb: 'get', resource: 'pods' } },
  }),
];

const BAD_BODIES: readonly Row[] = [
  ...['', '{', 'null', '[]', '"text"', '{}', '{"kind":"ConfigMap"}', 'a: b: c', '\u0000\u0001'],
  ...[`{"a":${'['.repeat(20_000)}`, `{"kind":"ConfigMap","apiVersion":"v1","data":{"a":1}}`],
]
  .map((body) => send('POST', MAPS, JSON_TYPE, body))
  .concat(
    [PROTOBUF, 'application/yaml', 'text/plain', 'application/cbor', 'nonsense', ''].map((type) =>
      send('POST', MAPS, type, '{"kind":"ConfigMap"}'),
    ),
    { method: 'POST', path: MAPS, body: '{}', note: 'no content type' },
    { method: 'POST', path: MAPS, note: 'no body' },
    { method: 'GET', path: `${MAPS}/one`, body: '{}', note: 'a body with GET' },
    // Over HTTP/1.1 the apiserver may reset the connection before its answer has been read.
    send('POST', MAPS, JSON_TYPE, 'x'.repeat(4 * 1024 * 1024), { only: 'h2' }),
    send('POST', MAPS, JSON_TYPE, '{}', { headers: { 'content-encoding': 'gzip' } }),
    send('POST', `${MAPS}?dryRun=All`, JSON_TYPE, '{}', { headers: { expect: '100-continue' } }),
    send('POST', MAPS, JSON_TYPE, '{}', { headers: { expect: '200-maybe' }, only: 'h2' }),
    ...['1', '5', '-1', '2, 2'].map((length) =>
      send('POST', MAPS, JSON_TYPE, '{}', {
        headers: { 'content-length': length },
        only: 'h2',
        otherwise: { status: 0, why: MALFORMED },
      }),
    ),
  );

const CHANGES: readonly Row[] = [
  send('PUT', `${MAPS}/one`, JSON_TYPE, ({ configMap }) => configMap),
  send('PUT', `${MAPS}/one`, PROTOBUF, ({ configMapProtobuf }) => configMapProtobuf),
  send('PUT', `${MAPS}/two`, JSON_TYPE, ({ configMap }) => configMap),
  send('PUT', `${MAPS}/nobody?dryRun=All`, JSON_TYPE, JSON.stringify(map('nobody')), {
    varies: ['made'],
  }),
  send('PUT', `${MAPS}/one`, JSON_TYPE, ({ configMap }) =>
    configMap.replace(/"resourceVersion":"\d+"/, '"resourceVersion":"1"'),
  ),
  send('PATCH', `${MAPS}/one`, MERGE, '{}'),
  send('PATCH', `${MAPS}/one`, STRATEGIC, '{"metadata":{"labels":{"color":"red"}}}'),
  send('PATCH', `${MAPS}/one`, JSON_PATCH, '[{"op":"test","path":"/data/a","value":"1"}]'),
  send('PATCH', `${MAPS}/one`, JSON_PATCH, '[{"op":"test","path":"/data/a","value":"2"}]'),
  send('PATCH', `${MAPS}/one`, JSON_PATCH, '{}'),
  send('PATCH', `${MAPS}/one`, JSON_TYPE, '{}'),
  send('PATCH', `${MAPS}/one`, MERGE, '['),
  send('PATCH', `${MAPS}/nobody`, MERGE, '{}'),
  send('PATCH', `${MAPS}/one`, APPLY, 'a: ['),
  send('PATCH', `${MAPS}/one`, APPLY, JSON.stringify(map('one'))),
  ...['', '&force=true'].map((force) =>
    send(
      'PATCH',
      `${MAPS}/one?fieldManager=other&dryRun=All${force}`,
      APPLY,
      JSON.stringify(map('one', { data: { a: '2' } })),
      { varies: ['made'] },
    ),
  ),
  ...[
    `${MAPS}/nobody`,
    `${MAPS}/one?dryRun=All`,
    `${MAPS}/one?gracePeriodSeconds=x&dryRun=All`,
  ].map((path) => ({
    method: 'DELETE',
    path,
  })),
  { method: 'DELETE', path: `${MAPS}?labelSelector=color%3Dnone`, varies: ['list'] },
  { method: 'DELETE', path: '/api/v1/namespaces', note: 'not allowed' },
  send('DELETE', `${MAPS}/one`, JSON_TYPE, '{"preconditions":{"uid":"another"}}'),
  send('DELETE', `${MAPS}/one`, JSON_TYPE, '{"dryRun":["All"],"propagationPolicy":"Sideways"}'),
];

const watch = (query: string, more: More = {}): Row => ({
  method: 'GET',
  path: `${MAPS}?watch=true&timeoutSeconds=1&${query}`,
  ...more,
});
const as = (type: string, more: More = {}): More => ({
  note: type,
  headers: { accept: type },
  ...more,
});
const INITIAL = 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';

/** These take seconds, so all are sent at the same time. */
export const SLOW_ROWS: readonly Row[] = [
  ...[`${MAPS}/one`, MAPS].map(
    (path): Row => ({
      method: 'GET',
      path: `${path}?resourceVersion=999999999`,
      note: 'a version to come',
      varies: ['list'],
    }),
  ),
  watch('resourceVersion={version}'),
  watch('resourceVersion={version}', as(TABLE)),
  watch('resourceVersion={version}', as(`${PROTOBUF};stream=watch,application/json`)),
  watch('resourceVersion={version}', as(`${PROTOBUF};stream=watch`)),
  watch('resourceVersion={version}', as('application/yaml')),
  watch('resourceVersion={version}&labelSelector=color%3Dred'),
  watch('resourceVersion={version}&fieldSelector=metadata.name%3Done'),
  watch('resourceVersion={version}&allowWatchBookmarks=true', { varies: ['list'] }),
  watch('resourceVersion=0', { varies: ['initial'] }),
  watch('', { varies: ['initial'] }),
  watch(INITIAL, { varies: ['initial', 'list'] }),
  watch(`${INITIAL}&resourceVersion=0`, as(TABLE, { varies: ['initial', 'list'] })),
  watch('sendInitialEvents=true', { note: 'without a match' }),
  watch('resourceVersion=1', { note: 'too old', varies: ['list'] }),
  watch('resourceVersion=999999999', { note: 'a version to come' }),
  watch('resourceVersion=old'),
  { method: 'GET', path: `${MAPS}?watch=maybe&timeoutSeconds=1&resourceVersion={version}` },
  watch('resourceVersion={version}', { note: 'gzip', headers: { 'accept-encoding': 'gzip' } }),
  watch('resourceVersion={version}', { as: 'alice' }),
  watch('resourceVersion={version}', { as: 'anonymous' }),
  {
    method: 'GET',
    path: `/api/v1/watch/namespaces/conformance/configmaps?timeoutSeconds=1&resourceVersion={version}`,
  },
  {
    method: 'GET',
    path: `/api/v1/watch/namespaces/conformance/configmaps/one?timeoutSeconds=1&resourceVersion={version}`,
  },
];

export const WRITE_ROWS: readonly Row[] = [...CREATES, ...BAD_BODIES, ...CHANGES];
