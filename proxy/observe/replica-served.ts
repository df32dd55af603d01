// Which watches an endpoint has served: what its own metrics are compared with. Every one of them is
// a request of its own there, also those by which a client's watch went on.
import { queryValue } from '../kube/query.ts';
import { type RequestInfo, scopeOf } from '../kube/request-info.ts';

/**
 * How a watch was asked for, as far as apiservers have taken it for something else:
 * `legacy` by a path with /watch/ and without the query (kubernetes#104439), `named` by a query
 * that selects one object by its name (kubernetes#105648), `plain` for all others.
 */
export type WatchForm = 'plain' | 'legacy' | 'named';

/** A watch that an endpoint answered with 200 and that is over. */
export interface ServedWatch {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly form: WatchForm;
  /** What an apiserver that misses that it is a watch files it under. */
  readonly verb: 'GET' | 'LIST';
  readonly scope: string;
  /** In milliseconds since 1970: apiservers say in such a time when they were started. */
  readonly openedAtMs: number;
  readonly endedAtMs: number;
}

/**
 * Between two visits of whoever takes them, a second or half a minute apart. What is beyond is not
 * compared, which can only make a replica look better than it is.
 */
const MAX_KEPT = 50_000;

/** The watches of one endpoint since they were last taken. */
export class ServedWatches {
  /** Nothing is kept until somebody wants it. */
  collecting = false;
  private list: ServedWatch[] = [];

  /** Times are of a clock that began with the process (`performance.now`). */
  add(info: RequestInfo, openedAtMs: number, endedAtMs: number): void {
    if (!this.collecting || this.list.length >= MAX_KEPT || info.subresource !== '') return;
    const { timeOrigin } = performance;
    this.list.push({
      group: info.apiGroup,
      version: info.apiVersion,
      resource: info.resource,
      form: formOf(info),
      verb: info.name === '' ? 'LIST' : 'GET',
      scope: scopeOf(info),
      openedAtMs: timeOrigin + openedAtMs,
      endedAtMs: timeOrigin + endedAtMs,
    });
  }

  /** What another process has kept of the same endpoint. */
  append(watches: readonly ServedWatch[]): void {
    if (this.collecting) this.list.push(...watches.slice(0, MAX_KEPT - this.list.length));
  }

  take(): readonly ServedWatch[] {
    const { list } = this;
    if (list.length > 0) this.list = [];
    return list;
  }
}

function formOf(info: RequestInfo): WatchForm {
  const { path, query, apiPrefix, name } = info;
  const segments = path.replace(/^\/+/, '').split('/', 4);
  const legacy = segments[apiPrefix === 'apis' ? 3 : 2] === 'watch';
  const named = name !== '';
  // Every version knows a watch of a collection by its query (metrics.go cleanVerb).
  if (!named && saysWatch(query)) return 'plain';
  return legacy ? 'legacy' : named ? 'named' : 'plain';
}

function saysWatch(query: string): boolean {
  const value = queryValue(query, 'watch');
  return value !== undefined && value !== '0' && value.toLowerCase() !== 'false';
}
