import { queryValue } from '../kube/query.ts';
import type { RequestInfo } from '../kube/request-info.ts';
import type { Endpoint } from './endpoint.ts';

type Read = Pick<RequestInfo, 'isResourceRequest' | 'verb' | 'query'>;

/**
 * Where the reads of one client connection have been served. An apiserver answers a read that names
 * a resourceVersion out of its watch cache, which may be behind that of another one: a client that
 * was sent back and forth would see objects go back in time.
 */
export class ReadAffinity {
  private endpoint: Endpoint | undefined;

  /** The endpoint that should serve a read, if it matters which. */
  preferredFor(info: Read): Endpoint | undefined {
    return isCachedRead(info) ? this.endpoint : undefined;
  }

  /**
   * A request is sent to `endpoint`. Only reads that the watch cache answers tell how far the client
   * has seen it; a GET without a version is answered by etcd itself.
   */
  sent(info: Read, endpoint: Endpoint): void {
    if (isCachedRead(info) || (info.isResourceRequest && info.verb === 'list')) {
      this.endpoint = endpoint;
    }
  }
}

/** GET or LIST that may be answered out of the watch cache. */
export function isCachedRead({ isResourceRequest, verb, query }: Read): boolean {
  if (!isResourceRequest || (verb !== 'get' && verb !== 'list')) return false;
  // Most reads have no such parameter, and need no look at each of theirs.
  return query.includes('resourceVersion') && (queryValue(query, 'resourceVersion') ?? '') !== '';
}
