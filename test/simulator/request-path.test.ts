import { expect, test } from 'vitest';
import { parsePath } from '../../simulator/request-path.ts';

function described(method: string, target: string): string {
  const { pathname, searchParams } = new URL(target, 'https://host');
  const parsed = parsePath(method, pathname, searchParams);
  if (typeof parsed === 'string') return parsed;
  const { verb, resource, namespace = '-', name = '-', subresource = '-' } = parsed;
  return `${verb} ${resource.plural} ${namespace} ${name} ${subresource}`;
}

test.each([
  ['GET', '/api/v1/pods', 'list pods - - -'],
  ['GET', '/api/v1/namespaces/a/pods/b', 'get pods a b -'],
  ['GET', '/api/v1/namespaces/a/pods/b/log', 'get pods a b log'],
  ['POST', '/api/v1/namespaces/a/pods/b/exec', 'create pods a b exec'],
  ['GET', '/api/v1/namespaces', 'list namespaces - - -'],
  ['DELETE', '/api/v1/namespaces/a', 'delete namespaces - a -'],
  ['PUT', '/api/v1/namespaces/a/status', 'update namespaces - a status'],
  ['GET', '/api/v1/pods?watch=1', 'watch pods - - -'],
  ['GET', '/api/v1/pods?watch=false', 'list pods - - -'],
  ['DELETE', '/api/v1/namespaces/a/secrets', 'deletecollection secrets a - -'],
  ['PATCH', '/apis/coordination.k8s.io/v1/namespaces/a/leases/b', 'patch leases a b -'],
  ['GET', '/apis/coordination.k8s.io/v1', 'no resource'],
  ['GET', '/apis/nope.example.com/v1/things', 'no resource'],
  ['GET', '/api/v1/things', 'unknown resource'],
  ['GET', '/api/v1/namespaces/a/nodes/b', 'unknown resource'],
  ['GET', '/readyz', 'no resource'],
])('%s %s is: %s', (method, target, expected) => {
  expect(described(method, target)).toBe(expected);
});
