// Labels of the apiserver's request metrics besides the verb, each of a closed set whatever a client
// sends.
import { queryValues } from './query.ts';
import type { RequestInfo, Scope } from './request-info.ts';

/**
 * The scope that a built-in route has (pkg/endpoints/installer.go, `requestScope`): a list or watch
 * stays one when its field selector names a single object. The apiserver's CleanScope, which
 * custom resources get, says "resource" then, and so files such a LIST as a GET.
 */
export function routeScopeOf(info: RequestInfo): Scope {
  if (!info.isResourceRequest) return '';
  if (info.verb === 'create' || (info.parts[1] ?? '') !== '') return 'resource';
  return info.namespace === '' ? 'cluster' : 'namespace';
}

export type DryRun = '' | 'All' | 'invalid';

/** pkg/endpoints/metrics/metrics.go cleanDryRun: the only valid value is "All". */
export function dryRunOf({ query }: RequestInfo): DryRun {
  if (!query.includes('dryRun')) return '';
  const values = queryValues(query, 'dryRun');
  if (values.length === 0) return '';
  return values.every((value) => value === 'All') ? 'All' : 'invalid';
}

const KNOWN_PATHS: readonly string[] = [
  '/healthz',
  '/livez',
  '/readyz',
  '/metrics',
  '/version',
  '/openapi/v2',
  '/openapi/v3',
  '/.well-known/openid-configuration',
  '/openid/v1/jwks',
  '/debug/pprof',
  '/apis',
  '/api',
];

/**
 * What stands for the path of a request that is not for a resource, as the apiserver has paths in its
 * `subresource` label (pkg/server/healthz/healthz.go). '' for any other path, for clients invent them.
 */
export function knownPathOf({ path }: RequestInfo): string {
  for (const known of KNOWN_PATHS) {
    if (!path.startsWith(known)) continue;
    if (path.length === known.length || path[known.length] === '/') return known;
  }
  return '';
}
