// Which series a request belongs to. Looked up once for each request, so without building a key, and
// in a structure of its own that nothing is ever taken out of.
import { builtInResources } from '../kube/built-in-resources.ts';
import type { DryRun } from '../kube/metric-labels.ts';
import type { MetricVerb } from '../kube/metric-verb.ts';
import type { Scope } from '../kube/request-info.ts';
import type { RequestRecord } from './request-record.ts';

/** What requests of one kind have in common: the labels of kube-apiserver's request metrics. */
export interface RouteLabels {
  readonly verb: MetricVerb;
  readonly scope: Scope;
  readonly dryRun: DryRun;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  /** For what is no resource, one of a few known paths. */
  readonly subresource: string;
}

export interface TallyLimits {
  readonly maxResources: number;
  readonly maxSeries: number;
}

/**
 * A large cluster has about 300 resources; verbs, codes and endpoints multiply those in use, and
 * each series costs memory and scrape time.
 */
const DEFAULT_LIMITS: TallyLimits = { maxResources: 1000, maxSeries: 10_000 };

export const OTHER = 'other';
const MAX_NAME_LENGTH = 253; // A DNS name, which a group is.
const NAME = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;
const MAX_HASHED_LENGTH = 64;
const FIRST_SLOTS = 256;

interface Entry<Route> {
  readonly hash: number;
  readonly labels: RouteLabels;
  readonly route: Route;
}

/**
 * Finds the route of a request. `Route` is what its owner keeps for each.
 *
 * A client can invent resource names, so a name that is not Kubernetes' own becomes a label only after
 * an endpoint has answered in a way that proves the resource; until then its requests are `other`. Both the number of names
 * and that of routes are bounded besides.
 */
export class RouteTable<Route> {
  readonly maxSeries: number;
  private readonly makeRoute: (labels: RouteLabels) => Route;
  private readonly maxResources: number;
  private readonly builtIn = builtInResources();
  private readonly resources = new Set<string>();
  /** Open addressing: a route is in the first free slot from its hash on. */
  private slots: (Entry<Route> | undefined)[] = new Array(FIRST_SLOTS).fill(undefined);
  private count = 0;

  constructor(makeRoute: (labels: RouteLabels) => Route, limits: Partial<TallyLimits> = {}) {
    this.makeRoute = makeRoute;
    const { maxResources, maxSeries } = { ...DEFAULT_LIMITS, ...limits };
    this.maxResources = maxResources;
    this.maxSeries = maxSeries;
  }

  /** The route of a request that has been answered. */
  find(record: RequestRecord): Route {
    const { info } = record;
    const { isResourceRequest, apiGroup, apiVersion, resource, subresource } = info;
    if (!isResourceRequest) return this.at(record, '', '', '', record.knownPath);
    const hash = hashOf(record, apiGroup, apiVersion, resource, subresource);
    const known = this.lookUp(hash, record, apiGroup, apiVersion, resource, subresource);
    if (known !== undefined) return known;
    if (!this.isKnown(record) || this.count >= this.maxSeries) return this.otherOf(record);
    return this.add(hash, record, apiGroup, apiVersion, resource, subresource);
  }

  /** The route of a request whose own would be one too many. */
  otherOf(record: RequestRecord): Route {
    return this.at(record, OTHER, '', OTHER, '');
  }

  private at(record: RequestRecord, group: string, version: string, res: string, sub: string) {
    const hash = hashOf(record, group, version, res, sub);
    const known = this.lookUp(hash, record, group, version, res, sub);
    return known ?? this.add(hash, record, group, version, res, sub);
  }

  private lookUp(
    hash: number,
    { verb, scope, dryRun }: RequestRecord,
    group: string,
    version: string,
    resource: string,
    subresource: string,
  ): Route | undefined {
    const { slots } = this;
    const mask = slots.length - 1;
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const entry = slots[at];
      if (entry === undefined) return undefined;
      if (entry.hash !== hash) continue;
      const { labels } = entry;
      if (
        labels.verb === verb &&
        labels.resource === resource &&
        labels.subresource === subresource &&
        labels.group === group &&
        labels.version === version &&
        labels.scope === scope &&
        labels.dryRun === dryRun
      ) {
        return entry.route;
      }
    }
  }

  private add(
    hash: number,
    { verb, scope, dryRun }: RequestRecord,
    group: string,
    version: string,
    resource: string,
    subresource: string,
  ): Route {
    // Parts of a path are views of it: copies do not keep whole paths, and their queries, alive.
    const labels: RouteLabels = {
      verb,
      scope,
      dryRun,
      group: copyOf(group),
      version: copyOf(version),
      resource: copyOf(resource),
      subresource: copyOf(subresource),
    };
    const route = this.makeRoute(labels);
    this.count += 1;
    if (2 * this.count > this.slots.length) this.grow();
    this.put({ hash, labels, route });
    return route;
  }

  private grow(): void {
    const old = this.slots;
    this.slots = new Array(2 * old.length).fill(undefined);
    for (const entry of old) if (entry !== undefined) this.put(entry);
  }

  private put(entry: Entry<Route>): void {
    const { slots } = this;
    const mask = slots.length - 1;
    let at = entry.hash & mask;
    while (slots[at] !== undefined) at = (at + 1) & mask;
    slots[at] = entry;
  }

  /** Whether the resource has been proven, by this request at the latest. */
  private isKnown(record: RequestRecord): boolean {
    const { apiGroup, apiVersion, resource, subresource } = record.info;
    const name = `${apiGroup}/${apiVersion}/${resource}/${subresource}`;
    if (this.builtIn.has(name) || this.resources.has(name)) return true;
    if (!provesResource(record) || this.resources.size >= this.maxResources) return false;
    if (!isName(resource) || !isName(apiVersion)) return false;
    if ((apiGroup !== '' && !isName(apiGroup)) || (subresource !== '' && !isName(subresource))) {
      return false;
    }
    this.resources.add(copyOf(name));
    return true;
  }
}

function copyOf(text: string): string {
  return Buffer.from(text).toString();
}

/** Over what differs most: the resource in full, of the rest a little. */
function hashOf(
  { verb, scope, dryRun }: RequestRecord,
  group: string,
  version: string,
  resource: string,
  subresource: string,
): number {
  let hash = verb.charCodeAt(0) * 31 + verb.charCodeAt(1) + (scope.length << 5) + dryRun.length;
  hash = mix(hash, resource);
  hash = mix(hash, subresource);
  hash = mix((hash * 31 + group.length) | 0, version);
  // The lower bits choose the slot.
  return hash ^ (hash >>> 15);
}

function mix(hash: number, text: string): number {
  // Real names are shorter; one that was made to cost time shall not.
  const end = Math.min(text.length, MAX_HASHED_LENGTH);
  let mixed = hash;
  for (let i = 0; i < end; i += 1) mixed = (mixed * 31 + text.charCodeAt(i)) | 0;
  return mixed;
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
