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
  private closed = false;

  /**
   * The endpoint that should serve a read, if it matters which.
   * @param elsewhere where the same client has been served on other connections
   */
  preferredFor(info: Read, elsewhere: () => Endpoint | undefined): Endpoint | undefined {
    if (!isCachedRead(info)) return undefined;
    return this.endpoint ?? elsewhere();
  }

  /**
   * A request is sent to `endpoint`. Only reads that the watch cache answers tell how far the client
   * has seen it; a GET without a version is answered by etcd itself.
   * @returns whether the client's reads have a new place
   */
  sent(info: Read, endpoint: Endpoint): boolean {
    const counts = isCachedRead(info) || (info.isResourceRequest && info.verb === 'list');
    if (!counts || this.endpoint === endpoint || this.closed) return false;
    this.moveTo(endpoint);
    return true;
  }

  /** The connection is gone. */
  close(): void {
    this.closed = true;
    this.moveTo(undefined);
  }

  private moveTo(endpoint: Endpoint | undefined): void {
    if (this.endpoint !== undefined) this.endpoint.load.readers -= 1;
    if (endpoint !== undefined) endpoint.load.readers += 1;
    this.endpoint = endpoint;
  }
}

/** GET or LIST that may be answered out of the watch cache. */
export function isCachedRead({ isResourceRequest, verb, query }: Read): boolean {
  if (!isResourceRequest || (verb !== 'get' && verb !== 'list')) return false;
  // Most reads have no such parameter, and need no look at each of theirs.
  return query.includes('resourceVersion') && (queryValue(query, 'resourceVersion') ?? '') !== '';
}
