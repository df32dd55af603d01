import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { dryRunOf, knownPathOf, routeScopeOf } from '../../../proxy/kube/metric-labels.ts';
import { metricVerb } from '../../../proxy/kube/metric-verb.ts';
import { isLongRunning, parseRequestInfo } from '../../../proxy/kube/request-info.ts';

const ROUTES = new URL('../../fixtures/kube-routes-1.34.txt', import.meta.url);
/** The label of each x-kubernetes-action, by the method for what has none. */
const LABEL_OF_ACTION: Readonly<Record<string, string>> = {
  '': 'GET',
  get: 'GET',
  list: 'LIST',
  watch: 'WATCH',
  watchlist: 'WATCH',
  post: 'POST',
  put: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETE',
  connect: 'CONNECT',
};

interface BuiltInRoute {
  readonly template: string;
  readonly method: string;
  readonly action: string;
}

function builtInRoutes(): BuiltInRoute[] {
  const lines = readFileSync(ROUTES, 'utf8').split('\n').slice(1);
  return lines.flatMap((line) => {
    const [template = '', ...operations] = line.split(' ');
    return operations.map((operation) => {
      const [method = '', action = ''] = operation.split(':');
      return { template, method: method.toUpperCase(), action };
    });
  });
}

/** pkg/endpoints/installer.go, `requestScope`, from the template that the installer itself sees. */
function scopeOfTemplate({ template, method, action }: BuiltInRoute): string {
  if (action === '') return '';
  // What stands behind "/namespaces/" is the name of the object where there is no resource behind it.
  if (template.includes('/{name}') || method === 'POST') return 'resource';
  return template.includes('/{namespace}/') ? 'namespace' : 'cluster';
}

test('every built-in route has the verb, scope and length that the apiserver knows it by', () => {
  const routes = builtInRoutes();
  expect(routes.length).toBeGreaterThan(1000);
  const wrong = routes.flatMap((route) => {
    const target = route.template.replace('{path}', 'a/b').replace(/[{}]/g, '');
    const info = parseRequestInfo(route.method, target);
    const isLog = route.template.endsWith('/log') && route.action !== '';
    const verb = isLog ? 'CONNECT' : LABEL_OF_ACTION[route.action];
    const wanted = [verb, scopeOfTemplate(route), verb === 'WATCH' || verb === 'CONNECT'];
    const found = [metricVerb(info), routeScopeOf(info), isLongRunning(info)];
    return String(found) === String(wanted) ? [] : [{ ...route, wanted, found }];
  });
  expect(wrong).toEqual([]);
});

// The classifier vectors of which the route's scope differs from what RequestInfo alone would say:
// a name in a field selector is no name in the path.
test.each([
  ['GET /api/v1/nodes?fieldSelector=metadata.name%3Dn1&watch=1', 'WATCH', 'cluster'],
  ['GET /api/v1/nodes?fieldSelector=metadata.name%3Dn1', 'LIST', 'cluster'],
  ['GET /api/v1/namespaces/a/pods?fieldSelector=metadata.name%3Dp', 'LIST', 'namespace'],
  ['GET /apis/e.com/v1/things?fieldSelector=metadata.name%3Dx', 'LIST', 'cluster'],
  ['GET /api/v1/watch/namespaces/a/pods/p', 'WATCH', 'resource'],
  ['GET /api/v1/nodes/n1?watch=true', 'GET', 'resource'],
  ['POST /api/v1/namespaces/a/pods', 'POST', 'resource'],
  ['DELETE /api/v1/namespaces/a/pods', 'DELETE', 'namespace'],
  ['GET /api/v1/namespaces/a', 'GET', 'resource'],
  ['GET /api/v1/namespaces', 'LIST', 'cluster'],
  ['GET /api/v1/pods/', 'LIST', 'cluster'],
  ['GET /healthz?watch=true', 'GET', ''],
])('%s is %s in scope %j', (request, verb, scope) => {
  const [method = '', target = ''] = request.split(' ');
  const info = parseRequestInfo(method, target);
  expect([metricVerb(info), routeScopeOf(info)]).toEqual([verb, scope]);
});

test.each([
  ['', ''],
  ['dryRun=All', 'All'],
  ['fieldManager=x&dryRun=All&dryRun=All', 'All'],
  ['dryRun=', 'invalid'],
  ['dryRun', 'invalid'],
  ['dryRun=all', 'invalid'],
  ['dryRun=All&dryRun=Some', 'invalid'],
  ['xdryRun=All', ''],
  ['dr%79Run=All', ''],
])('a query %j is a dry run %j', (query, label) => {
  expect(dryRunOf(parseRequestInfo('POST', `/api/v1/namespaces/a/pods?${query}`))).toBe(label);
});

test.each([
  ['/healthz', '/healthz'],
  ['/readyz/etcd?verbose', '/readyz'],
  ['/openapi/v3/apis/apps/v1', '/openapi/v3'],
  ['/apis/apps/v1', '/apis'],
  ['/api', '/api'],
  ['/healthzilla', ''],
  ['/', ''],
  ['/%68ealthz', '/healthz'],
])('the path %s is known as %j', (path, known) => {
  expect(knownPathOf(parseRequestInfo('GET', path))).toBe(known);
});
