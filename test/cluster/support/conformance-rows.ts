// The requests of conformance.test.ts: reads, discovery, paths and methods. Writes and watches are in
// conformance-writes.ts. Each is sent twice, so none may change what a later one sees.
import type { OutgoingHttpHeaders } from 'node:http2';
import type { Protocol } from './exchange.ts';

/** What requests need to know of the objects that were made before. `{name}` in a path is one. */
export interface Facts {
  /** Resource version before the first object of the namespace. */
  readonly version: string;
  /** Of a list with limit=2. */
  readonly continue: string;
  readonly configMap: string;
  readonly configMapProtobuf: Buffer;
  readonly etag: string;
}

const NOT_READ =
  'Go resets the stream, or says "400 Bad Request" and closes; the door says why in a Status';
const UNKNOWN_METHOD =
  "Node's HTTP/1.1 parser knows registered methods only; Kubernetes uses no other";

export type User = 'admin' | 'admin with a token' | 'alice' | 'wrong token' | 'anonymous';

export interface Row {
  readonly method: string;
  readonly path: string;
  /** Says what is special where method and path do not. */
  readonly note?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Buffer | ((facts: Facts) => string | Buffer);
  readonly as?: User;
  /** Both when left out. */
  readonly only?: Protocol;
  /**
   * What no two answers have in common. `list`: the resource version of a list, which follows the
   * whole store. `made`: uid and times of an object that is made. `initial`: the order of a watch's
   * first events, which comes out of a Go map.
   */
  readonly varies?: readonly ('list' | 'made' | 'initial')[];
  /** The door answers otherwise, with this status (0: the stream is reset), for a reason. */
  readonly otherwise?: { readonly status: number; readonly why: string };
}

export const PROTOBUF = 'application/vnd.kubernetes.protobuf';
export const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';
const METADATA = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io';
const METADATA_LIST = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';
const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
export const SPACE = '/api/v1/namespaces/conformance';
export const MAPS = `${SPACE}/configmaps`;
const LONG = 'v'.repeat(30_000);

type More = Omit<Row, 'method' | 'path'>;
const get = (path: string, more: More = {}): Row => ({ method: 'GET', path, ...more });
const accept = (type: string, more: More = {}): More => ({
  note: type,
  headers: { accept: type },
  ...more,
});
const list = (path: string, more: More = {}): Row => get(path, { varies: ['list'], ...more });

const DISCOVERY: readonly Row[] = [
  ...['/', '/version', '/version/', '/api', '/api/', '/apis', '/apis/apps', '/apis/apps/v1'],
  ...['/api/v1', '/apis/batch/v1', '/apis/nothing', '/apis/apps/v9', '/nothing', '/api/v2'],
  ...['/healthz', '/livez', '/readyz', '/readyz?verbose', '/livez/ping', '/readyz/nothing'],
  ...['/openapi/v3', '/openapi/v3/apis/apps/v1', '/openapi/v3/nothing', '/openapi/v4'],
  ...['/.well-known/openid-configuration', '/openid/v1/jwks', '/apis/authentication.k8s.io/v1'],
]
  .map((path) => get(path))
  .concat(
    ['/api', '/apis'].map((path) => get(path, accept(AGGREGATED))),
    ['/api', '/apis', '/openapi/v2'].map((path) => get(path, accept('application/yaml'))),
    get('/api/v1', accept(PROTOBUF)),
    get('/openapi/v2', accept('application/com.github.proto-openapi.spec.v2@v1.0+protobuf')),
    get('/openapi/v3/api/v1', accept('application/com.github.proto-openapi.spec.v3@v1.0+protobuf')),
    get('/openapi/v2', { note: 'known etag', headers: { 'if-none-match': '{etag}' } }),
    get('/openapi/v2', { note: 'range', headers: { range: 'bytes=10-99' } }),
    get('/openapi/v2', { note: 'impossible range', headers: { range: 'bytes=999999999-' } }),
    get('/openapi/v2', { note: 'gzip', headers: { 'accept-encoding': 'gzip' } }),
  );

const READS: readonly Row[] = [
  ...['', '/status', '/nothing', '/finalize'].map((path) => get(SPACE + path)),
  ...[`${MAPS}/one`, `${MAPS}/nobody`, `${MAPS}/one/scale`, `${SPACE}/secrets/token`].flatMap(
    (path) =>
      ['application/json', PROTOBUF, 'application/yaml', TABLE, METADATA, 'text/html'].map((type) =>
        get(path, accept(type)),
      ),
  ),
  get(`${MAPS}/one`, accept('application/xml;q=0.9, */*;q=0.1')),
  get(`${MAPS}/one`, accept(`${PROTOBUF},application/json`)),
  get(`${MAPS}/one?pretty=true`),
  get(`${MAPS}/one?resourceVersion=0`),
  get(`${MAPS}/one`, { note: 'curl', headers: { 'user-agent': 'curl/8.5.0', accept: '*/*' } }),
  get(`${MAPS}/one`, { note: 'browser', headers: { 'user-agent': 'Mozilla/5.0', accept: '*/*' } }),
  list(MAPS),
  ...[PROTOBUF, 'application/yaml', TABLE, METADATA_LIST, `${TABLE},application/json`].map((type) =>
    list(MAPS, accept(type)),
  ),
  list(MAPS, { note: 'gzip', headers: { 'accept-encoding': 'gzip' } }),
  list(MAPS, { note: 'gzip refused', headers: { 'accept-encoding': 'identity, gzip;q=0' } }),
  ...['labelSelector=color%3Dred', 'labelSelector=color+in+(red,blue)', 'labelSelector=!color'],
  ...['fieldSelector=metadata.name%3Done', 'limit=2', 'limit=0', 'limit=99', 'resourceVersion=0'],
  ...['resourceVersion=0&resourceVersionMatch=NotOlderThan', 'limit=-1', 'timeoutSeconds=5'],
].map((row) => (typeof row === 'string' ? list(`${MAPS}?${row}`) : row));

const LIST_ERRORS: readonly Row[] = [
  ...['labelSelector=%3D%3D', 'fieldSelector=spec.nothing%3D1', 'limit=many', 'continue=nonsense'],
  ...['resourceVersion=old', 'resourceVersionMatch=Exact', 'limit=2&continue={continue}'],
  ...['sendInitialEvents=true', 'timeoutSeconds=x', 'labelSelector=a%zz'],
].map((query) => list(`${MAPS}?${query}`));

const USERS: readonly Row[] = (
  ['admin with a token', 'alice', 'wrong token', 'anonymous'] as const
).flatMap((as) => [
  get('/version', { as }),
  get('/apis/apps/v1', { as }),
  get(`${MAPS}/one`, { as }),
  get('/nothing', { as }),
  get(MAPS, { as, varies: ['list'], headers: { 'impersonate-user': 'bob' }, note: 'as bob' }),
]);

const IMPERSONATION: readonly Row[] = (
  [
    { 'impersonate-user': 'bob' },
    { 'impersonate-user': 'bob', 'impersonate-group': ['dev', 'system:masters'] },
    { 'impersonate-group': 'dev' },
    { 'impersonate-user': 'system:serviceaccount:conformance:default' },
    { 'impersonate-user': 'bob', 'impersonate-extra-scopes': ['view', 'deploy'] },
    { 'impersonate-user': 'bob', 'impersonate-uid': 'u-1' },
  ] satisfies OutgoingHttpHeaders[]
).map((headers) => get(`${MAPS}/one`, { headers, note: JSON.stringify(headers) }));

const PATHS: readonly Row[] = [
  ...['//api/v1/namespaces', '/api//v1/namespaces/conformance', '/api/v1/./namespaces/conformance'],
  ...['/api/v1/nodes/../namespaces/conformance', '/%61pi/v1/namespaces/conformance', '/../version'],
  ...[
    '/api/v1/namespaces/conformance%2Fconfigmaps',
    `${MAPS}/one/`,
    `${MAPS}/one?`,
    `${MAPS}/%6fne`,
  ],
  ...[
    `${MAPS}/one;v=1`,
    `${MAPS}/one#part`,
    `${MAPS}/one?a=1?b=2`,
    `${MAPS}/one?&&=&`,
    '/version?;',
  ],
  ...[`${MAPS}/%00`, `${MAPS}/a%20b`, `${MAPS}/%E2%82%AC`, `${MAPS}/${'n'.repeat(300)}`],
  ...[
    '/api/v1/namespaces//configmaps',
    '/API/v1/namespaces',
    '/api/v1/proxy/nodes/x',
    '/%2e%2e/version',
  ],
  ...['/version/%2e%2e/version', '/version\\x', '/version?q=\'"<>', '/version?{}|^`'],
]
  .map((path) => get(path))
  .concat(
    get(`/version?q=${LONG}`, { note: 'a query of 30,000 bytes' }),
    get('/version', { note: 'a header of 30,000 bytes', headers: { 'x-long': LONG } }),
    get('/version', { note: '90 headers', headers: manyHeaders(90) }),
    get('/version', { note: 'cookies', headers: { cookie: ['a=1', 'b=2'] } }),
    get('/version', { note: 'origin', headers: { origin: 'https://example.com' } }),
    get('/version', { note: 'te', headers: { te: 'trailers' } }),
    get(`${MAPS}/%zz`, { otherwise: { status: 400, why: NOT_READ } }),
    get(`${MAPS}/%`, { otherwise: { status: 400, why: NOT_READ } }),
    get('version', { note: 'no slash', only: 'h2' }),
    get('', { note: 'an empty path', only: 'h2' }),
  );

const METHODS: readonly Row[] = [
  ...['/version', `${MAPS}/nobody`].flatMap((path): Row[] => [
    { method: 'BREW', path, only: 'h2' },
    { method: 'get', path, only: 'h2' },
    { method: 'BREW', path, only: 'http/1.1', otherwise: { status: 400, why: UNKNOWN_METHOD } },
  ]),
  ...['HEAD', 'OPTIONS', 'PROPFIND', 'PUT', 'POST', 'DELETE', 'PATCH'].flatMap((method) =>
    ['/version', '/api/v1', `${MAPS}/nobody`, '/nothing'].map((path) => ({ method, path })),
  ),
  { method: 'HEAD', path: `${MAPS}/one` },
  { method: 'HEAD', path: MAPS, varies: ['list'] },
  { method: 'HEAD', path: '/openapi/v2' },
  { method: 'OPTIONS', path: '*' },
  {
    method: 'OPTIONS',
    path: MAPS,
    note: 'preflight',
    headers: { origin: 'https://example.com', 'access-control-request-method': 'GET' },
  },
];

function manyHeaders(count: number): OutgoingHttpHeaders {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`x-number-${i}`, String(i)]));
}

export const READ_ROWS: readonly Row[] = [
  ...DISCOVERY,
  ...READS,
  ...LIST_ERRORS,
  ...USERS,
  ...IMPERSONATION,
  ...PATHS,
  ...METHODS,
];
