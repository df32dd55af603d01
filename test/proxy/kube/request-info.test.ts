import { expect, test } from 'vitest';
import { isLongRunning, isMutating, parseRequestInfo } from '../../../proxy/kube/request-info.ts';

// All expectations in this file were checked against NewRequestInfo and BasicLongRunningRequestCheck
// of k8s.io/apiserver v0.34.4, run on the same requests.

// [request, "verb group/version namespace parts/of/path", with "-" for what is empty]
const RESOURCES: [string, string][] = [
  ['GET /api/v1/nodes', 'list /v1 - nodes'],
  ['HEAD /api/v1/nodes', 'list /v1 - nodes'],
  ['GET /api/v1/nodes/n1', 'get /v1 - nodes/n1'],
  ['HEAD /api/v1/nodes/n1', 'get /v1 - nodes/n1'],
  ['POST /api/v1/nodes', 'create /v1 - nodes'],
  ['DELETE /api/v1/nodes', 'deletecollection /v1 - nodes'],
  ['OPTIONS /api/v1/nodes', '- /v1 - nodes'],
  // Namespaces are at once a place and an object.
  ['GET /api/v1/namespaces', 'list /v1 - namespaces'],
  ['GET /api/v1/namespaces/a', 'get /v1 a namespaces/a'],
  ['PUT /api/v1/namespaces/a/finalize', 'update /v1 a namespaces/a/finalize'],
  ['PATCH /api/v1/namespaces/a/status', 'patch /v1 a namespaces/a/status'],
  ['DELETE /api/v1/namespaces', 'deletecollection /v1 - namespaces'],
  // Namespaced resources, with and without a group.
  ['GET /api/v1/namespaces/a/pods', 'list /v1 a pods'],
  ['GET /api/v1/namespaces/a/pods/p', 'get /v1 a pods/p'],
  ['PATCH /api/v1/namespaces/a/pods/p', 'patch /v1 a pods/p'],
  ['DELETE /apis/apps/v1/namespaces/a/deployments/d', 'delete apps/v1 a deployments/d'],
  ['DELETE /apis/apps/v1/namespaces/a/deployments', 'deletecollection apps/v1 a deployments'],
  ['POST /apis/batch/v1/namespaces/a/jobs', 'create batch/v1 a jobs'],
  ['PUT /apis/apps/v1/namespaces/a/deployments/d/scale', 'update apps/v1 a deployments/d/scale'],
  ['POST /api/v1/namespaces/a/pods/p/exec?command=sh', 'create /v1 a pods/p/exec'],
  ['GET /api/v1/namespaces/a/pods/p/proxy/x/y', 'get /v1 a pods/p/proxy/x/y'],
  ['POST /apis/g/v1/selfsubjectaccessreviews', 'create g/v1 - selfsubjectaccessreviews'],
  // Legacy prefixes.
  ['GET /api/v1/watch/pods', 'watch /v1 - pods'],
  ['GET /api/v1/watch/namespaces/a/pods/p', 'watch /v1 a pods/p'],
  ['GET /apis/apps/v1/watch/deployments/d', 'watch apps/v1 - deployments/d'],
  ['GET /api/v1/watch/pods?watch=false', 'watch /v1 - pods'],
  // Odd, but read like this by the apiserver.
  ['GET //api/v1/pods//', 'list /v1 - pods'],
  ['GET /api/v1/namespaces/a//x', 'get /v1 a /x'],
  ['GET /api/v1/nodes/a%2Fb', 'get /v1 - nodes/a/b'],
  ['GET /%61pi/v1/nodes/%C3%A9', 'get /v1 - nodes/é'],
];

test.each(RESOURCES)('reads %s as %s', (request, expected) => {
  const [method = '', target = ''] = request.split(' ');
  const [verb, groupVersion, namespace, path = ''] = expected.split(' ');
  const parts = path.split('/');
  const info = parseRequestInfo(method, target);
  const { resource, subresource, name } = info;
  expect(info).toMatchObject({ isResourceRequest: true, parts });
  expect([info.verb || '-', info.namespace || '-']).toEqual([verb, namespace]);
  expect(`${info.apiGroup}/${info.apiVersion}`).toBe(groupVersion);
  expect([resource, name, subresource]).toEqual([parts[0], parts[1] ?? '', parts[2] ?? '']);
  expect(info.apiPrefix).toBe(info.apiGroup === '' ? 'api' : 'apis');
});

test('behind the legacy proxy prefix there are no subresources', () => {
  const info = parseRequestInfo('GET', '/api/v1/proxy/namespaces/a/pods/p/log/x');
  expect(info).toMatchObject({ verb: 'proxy', namespace: 'a', resource: 'pods', name: 'p' });
  expect(info).toMatchObject({ subresource: '', parts: ['pods', 'p', 'log', 'x'] });
});

test('a legacy prefix with nothing behind it is a resource request about nothing', () => {
  const info = parseRequestInfo('GET', '/api/v1/watch');
  expect(info).toMatchObject({ isResourceRequest: true, verb: 'get', resource: '', parts: [] });
});

test.each([
  '/',
  '',
  '//',
  '/api',
  '/api/v1',
  '/api/v1/',
  '/apis',
  '/apis/apps',
  '/apis/apps/v1',
  '/apis/apps/v1/',
  '/apix/v1/pods',
  '/API/v1/pods',
  '/healthz',
  '/healthz/etcd?watch=true',
  '/metrics',
  '/openapi/v3/apis/apps/v1',
  '*',
])('%j is no resource request', (target) => {
  const info = parseRequestInfo('GET', target);
  expect(info).toMatchObject({ isResourceRequest: false, verb: 'get', resource: '', name: '' });
  expect(info.path).toBe(target.split('?')[0]);
});

test.each([
  ['watch=true', 'watch'],
  ['watch=1', 'watch'],
  ['watch', 'watch'],
  ['watch=', 'watch'],
  ['watch=no', 'watch'],
  ['watch=0', 'list'],
  ['watch=false', 'list'],
  ['watch=FALSE', 'list'],
  ['watch=true&watch=false', 'watch'],
  ['watch=false&watch=true', 'list'],
  ['a=b&watch=1', 'watch'],
  ['Watch=1', 'list'],
  ['watchx=1', 'list'],
  ['xwatch=1', 'list'],
  ['w%61tch=1', 'watch'],
  ['watch=%30', 'list'],
  ['watch=%zz', 'list'],
  ['watch=1;x', 'list'],
  ['&&watch=1&', 'watch'],
  ['watch=1&fieldSelector=bogus', 'watch'],
  ['watch=1&limit=x', 'watch'],
  ['', 'list'],
])('the query %j means %s', (query, verb) => {
  expect(parseRequestInfo('GET', `/api/v1/pods?${query}`).verb).toBe(verb);
  expect(parseRequestInfo('GET', `/api/v1/pods/p?${query}`).verb).toBe('get');
});

test.each([
  ['fieldSelector=metadata.name=x', 'x'],
  ['fieldSelector=metadata.name%3Dx', 'x'],
  ['fieldSelector=metadata.name==x', 'x'],
  ['fieldSelector=spec.nodeName=n,metadata.name=x', 'x'],
  ['fieldSelector=metadata.name=b,metadata.name=a', 'a'],
  ['fieldSelector=metadata.name=x&fieldSelector=metadata.name=y', 'x'],
  ['fieldSelector=metadata.name=a%5C,b', 'a,b'],
  ['fieldSelector=metadata.name=a+b', 'a b'],
  ['fieldSelector=metadata.name=x&limit=500&timeoutSeconds=-1', 'x'],
  ['fieldSelector=metadata.name=x&limit=9223372036854775807', 'x'],
  ['fieldSelector=metadata.name!=x', ''],
  ['fieldSelector=metadata.name=', ''],
  ['fieldSelector=metadata.name', ''],
  ['fieldSelector=metadata.name=x,bogus', ''],
  ['fieldSelector=metadata.name=a%5Cx', ''],
  ['fieldSelector=metadata.name=a%5C', ''],
  ['fieldSelector=metadata.name=a=b', ''],
  ['fieldSelector=metadata.name=..', ''],
  ['fieldSelector=metadata.name=a/b', ''],
  ['fieldSelector=metadata.name=a%2525b', ''],
  ['fieldSelector=metadata.name=x&limit=x', ''],
  ['fieldSelector=metadata.name=x&limit=', ''],
  ['fieldSelector=metadata.name=x&timeoutSeconds=1.5', ''],
  ['fieldSelector=metadata.name=x&limit=9223372036854775808', ''],
])('%s selects the name %j', (query, name) => {
  expect(parseRequestInfo('GET', `/api/v1/nodes?${query}`).name).toBe(name);
  // A delete of many and a legacy watch never take their name from a selector.
  expect(parseRequestInfo('DELETE', `/api/v1/nodes?${query}`).name).toBe('');
  expect(parseRequestInfo('GET', `/api/v1/watch/nodes?${query}`).name).toBe('');
});

test.each([
  ['GET /api/v1/pods?watch=1', true],
  ['GET /api/v1/watch/pods', true],
  ['GET /api/v1/proxy/nodes/n', true],
  ['POST /api/v1/namespaces/a/pods/p/exec', true],
  ['GET /api/v1/namespaces/a/pods/p/log', true],
  ['GET /api/v1/namespaces/a/services/s/proxy/x', true],
  ['GET /debug/pprof/profile', true],
  ['GET /debug/pprof', false],
  ['GET /api/v1/pods', false],
  ['GET /api/v1/namespaces/a/pods/log', false],
  ['GET /apis/x/v1/exec', false],
  ['WATCH /healthz', false],
])('%s is long-running: %s', (request, expected) => {
  const [method = '', target = ''] = request.split(' ');
  expect(isLongRunning(parseRequestInfo(method, target))).toBe(expected);
});

test.each([
  ['GET /api/v1/pods', false],
  ['GET /api/v1/pods?watch=1', false],
  ['HEAD /healthz', false],
  ['OPTIONS /healthz', false],
  ['OPTIONS /api/v1/pods', true],
  ['POST /api/v1/pods', true],
  ['PATCH /api/v1/nodes/n', true],
  ['DELETE /api/v1/nodes', true],
  ['BREW /coffee', true],
])('%s is mutating: %s', (request, expected) => {
  const [method = '', target = ''] = request.split(' ');
  expect(isMutating(parseRequestInfo(method, target))).toBe(expected);
});
