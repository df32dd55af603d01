import { isConnect, type RequestInfo } from './request-info.ts';

export type MetricVerb =
  | 'APPLY'
  | 'CONNECT'
  | 'DELETE'
  | 'GET'
  | 'LIST'
  | 'PATCH'
  | 'POST'
  | 'PUT'
  | 'WATCH'
  | 'other';

/**
 * The verb label of the apiserver's request metrics, taken from RequestInfo alone. The apiserver's
 * own CleanVerb (pkg/endpoints/metrics/metrics.go) looks at the query and the method instead, and
 * so calls a legacy "/watch/" path a LIST and "GET nodes/n1?watch=true" a WATCH.
 *
 * The set is closed whatever a client sends, because it becomes a label.
 */
export function metricVerb(info: RequestInfo, contentType?: string): MetricVerb {
  if (isConnect(info)) return 'CONNECT';
  switch (info.verb) {
    case 'watch':
      return info.isResourceRequest ? 'WATCH' : 'other';
    case 'list':
      return info.isResourceRequest ? 'LIST' : 'other';
    case 'get':
    case 'head':
      return 'GET';
    case 'create':
    case 'post':
      return 'POST';
    case 'update':
    case 'put':
      return 'PUT';
    case 'patch':
      return contentType === 'application/apply-patch+yaml' ? 'APPLY' : 'PATCH';
    case 'delete':
    case 'deletecollection':
      return 'DELETE';
    case 'proxy':
      return info.isResourceRequest ? 'CONNECT' : 'other';
    default:
      return 'other';
  }
}
