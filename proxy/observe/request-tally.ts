// How many requests of which kind there were. Separate from the metrics library, because this runs
// for each request and must cost next to nothing, and because the rules that bound the number of
// label sets deserve to be read by themselves.
import type { MetricVerb } from '../kube/metric-verb.ts';
import type { Scope } from '../kube/request-info.ts';
import type { RequestRecord } from './request-record.ts';

export type RequestLabels = {
  readonly verb: MetricVerb;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly scope: Scope;
  /** The status that the client got; 499 when it went away first, 0 when it got none. */
  readonly code: string;
  /** '' when no endpoint was asked. */
  readonly endpoint: string;
};

/** The requests that have the same labels. */
export interface RequestSeries<Timer> {
  readonly labels: RequestLabels;
  readonly timer: Timer;
  requests: number;
  requestBytes: number;
  responseBytes: number;
}

export interface TallyLimits {
  readonly maxResources: number;
  readonly maxSeries: number;
}

/**
 * A large cluster has about 300 resources; verbs, codes and endpoints multiply those in use. Each
 * thousand of series holds up the event loop for about 5 ms at a scrape, so there is a price.
 */
const DEFAULT_LIMITS: TallyLimits = { maxResources: 1000, maxSeries: 10_000 };

const OTHER = 'other';
const MAX_NAME_LENGTH = 253; // A DNS name, which a group is.
const NAME = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;

/**
 * Groups requests by their labels. `Timer` is whatever the owner wants to keep beside each series.
 *
 * A client can invent resource names, so a name becomes a label only after an endpoint has answered
 * in a way that proves the resource; until then its requests are `other`. Both numbers of names and
 * of series are bounded besides.
 */
export class RequestTally<Timer> {
  private readonly makeTimer: (labels: RequestLabels) => Timer;
  private readonly limits: TallyLimits;
  private readonly byKey = new Map<string, RequestSeries<Timer>>();
  private readonly resources = new Set<string>();

  constructor(
    makeTimer: (labels: RequestLabels) => Timer,
    limits: Partial<TallyLimits> = DEFAULT_LIMITS,
  ) {
    this.makeTimer = makeTimer;
    this.limits = { ...DEFAULT_LIMITS, ...limits };
  }

  get series(): Iterable<Readonly<RequestSeries<Timer>>> {
    return this.byKey.values();
  }

  /** The series of a request that has ended, with the request counted in. */
  count(record: RequestRecord): RequestSeries<Timer> {
    const { info } = record;
    const series =
      this.byKey.get(keyOf(record, info.apiGroup, info.resource, info.subresource)) ??
      this.find(record);
    series.requests += 1;
    series.requestBytes += record.requestBytes;
    series.responseBytes += record.responseBytes;
    return series;
  }

  /** The names to show for the resource of a request, which may be open still. */
  resourceOf(record: RequestRecord): Pick<RequestLabels, 'group' | 'resource' | 'subresource'> {
    const { apiGroup: group, resource, subresource, isResourceRequest } = record.info;
    if (!isResourceRequest) return { group: '', resource: '', subresource: '' };
    this.learn(record);
    return this.resources.has(`${group}/${resource}/${subresource}`)
      ? { group, resource, subresource }
      : { group: OTHER, resource: OTHER, subresource: '' };
  }

  private find(record: RequestRecord): RequestSeries<Timer> {
    let names = this.resourceOf(record);
    if (this.byKey.size >= this.limits.maxSeries && record.info.isResourceRequest) {
      names = { group: OTHER, resource: OTHER, subresource: '' };
    }
    const key = keyOf(record, names.group, names.resource, names.subresource);
    const known = this.byKey.get(key);
    if (known !== undefined) return known;
    const { verb, scope, endpoint } = record;
    const labels = { verb, ...names, scope, code: String(codeOf(record)), endpoint };
    const timer = this.makeTimer(labels);
    const series = { labels, timer, requests: 0, requestBytes: 0, responseBytes: 0 };
    this.byKey.set(key, series);
    return series;
  }

  private learn(record: RequestRecord): void {
    const { apiGroup, resource, subresource } = record.info;
    if (!provesResource(record)) return;
    if (this.resources.size >= this.limits.maxResources) return;
    if (!isName(resource)) return;
    if ((apiGroup !== '' && !isName(apiGroup)) || (subresource !== '' && !isName(subresource))) {
      return;
    }
    this.resources.add(`${apiGroup}/${resource}/${subresource}`);
  }
}

/** A path segment holds no slash, so different names cannot make the same key. */
function keyOf(record: RequestRecord, group: string, resource: string, sub: string): string {
  const { verb, scope, endpoint } = record;
  return `${verb} ${scope} ${codeOf(record)} ${endpoint}/${group}/${resource}/${sub}`;
}

function codeOf({ status, failure }: RequestRecord): number {
  return status === 0 && failure === 'client_gone' ? 499 : status;
}

/**
 * Success and conflicts come from storage, and a 5xx that an endpoint answered is one that operators
 * want to see by name. 401, 403 and 404 are what an invented name gets, and the door's own answers
 * prove nothing.
 */
function provesResource({ status, failure }: RequestRecord): boolean {
  if ((status >= 100 && status < 300) || status === 304) return true;
  const conflict = status === 409 || status === 410 || status === 422;
  return failure === undefined && (conflict || status >= 500);
}

function isName(text: string): boolean {
  return text.length <= MAX_NAME_LENGTH && NAME.test(text);
}
