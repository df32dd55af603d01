// Who is hitting the control plane hardest now: a page, because a label for each client would be a
// series for each client.
import type { OpenRequest } from './open-requests.ts';
import type { RequestRecord } from './request-record.ts';
import { type CallerKey, clipName, hashOf, mergeTop, type TopEntry, TopList } from './top-list.ts';
import { type ResourceCount, TopResources } from './top-resources.ts';

const SHOWN = 20;

/** Clients are named by user, user agent and address, resources by group and resource. */
export interface TopReport {
  readonly clientsByRequests: readonly TopEntry[];
  readonly clientsByBytes: readonly TopEntry[];
  readonly resourcesByRequests: readonly TopEntry[];
  readonly resourcesByBytes: readonly TopEntry[];
  /** Open watches, exactly. */
  readonly clientsByWatches: readonly OpenCount[];
  readonly resourcesByWatches: readonly OpenCount[];
}

export interface OpenCount {
  readonly names: readonly string[];
  readonly open: number;
}

export class TopCounts {
  private readonly clientRequests = new TopList();
  private readonly clientBytes = new TopList();
  readonly resources = new TopResources();

  /**
   * A request has left.
   * @param bytes of both bodies, those apart that have been counted before
   */
  count(record: RequestRecord, resource: ResourceCount, bytes: number, nowMs: number): void {
    const key = callerOf(record);
    const hash = hashOf(key);
    this.clientRequests.add(hash, key, 1, nowMs);
    this.clientBytes.add(hash, key, bytes, nowMs);
    this.resources.add(resource, 1, bytes, nowMs);
  }

  /** What a request that goes on has moved since the last time. */
  countBytes(record: RequestRecord, resource: ResourceCount, bytes: number, nowMs: number): void {
    if (bytes <= 0) return;
    const key = callerOf(record);
    this.clientBytes.add(hashOf(key), key, bytes, nowMs);
    this.resources.add(resource, 0, bytes, nowMs);
  }

  report(open: OpenCounts, nowMs: number): TopReport {
    return {
      clientsByRequests: this.clientRequests.top(SHOWN, nowMs),
      clientsByBytes: this.clientBytes.top(SHOWN, nowMs),
      resourcesByRequests: this.resources.top(SHOWN, 'requests', nowMs),
      resourcesByBytes: this.resources.top(SHOWN, 'bytes', nowMs),
      clientsByWatches: open.clients.top(SHOWN),
      resourcesByWatches: open.resources.top(SHOWN),
    };
  }
}

function callerOf({ user, userAgent, clientAddress }: RequestRecord): CallerKey {
  return [clipName(user), clipName(userAgent), clientAddress];
}

/** Watches that are open, by who has them and what of. */
export class OpenCounts {
  readonly clients = new NamedCounts();
  readonly resources = new NamedCounts();

  add({ record, route }: OpenRequest): void {
    if (route === undefined || record.verb !== 'WATCH') return;
    this.clients.add(callerOf(record), 1);
    this.resources.add([route.labels.group, route.labels.resource], 1);
  }
}

class NamedCounts {
  private readonly counts = new Map<string, { readonly names: readonly string[]; open: number }>();

  add(names: readonly string[], open: number): void {
    // No header and no address holds a zero byte.
    const key = names.join('\0');
    const count = this.counts.get(key);
    if (count === undefined) this.counts.set(key, { names, open });
    else count.open += open;
  }

  top(limit: number): OpenCount[] {
    return [...this.counts.values()].sort((one, other) => other.open - one.open).slice(0, limit);
  }
}

/** What several processes have seen, as one. */
export function mergeReports(reports: readonly TopReport[]): TopReport {
  const rates = (list: (report: TopReport) => readonly TopEntry[]): TopEntry[] =>
    mergeTop(reports.map(list), SHOWN);
  const counts = (list: (report: TopReport) => readonly OpenCount[]): OpenCount[] =>
    mergeOpen(reports.flatMap(list));
  return {
    clientsByRequests: rates((report) => report.clientsByRequests),
    clientsByBytes: rates((report) => report.clientsByBytes),
    resourcesByRequests: rates((report) => report.resourcesByRequests),
    resourcesByBytes: rates((report) => report.resourcesByBytes),
    clientsByWatches: counts((report) => report.clientsByWatches),
    resourcesByWatches: counts((report) => report.resourcesByWatches),
  };
}

function mergeOpen(counts: readonly OpenCount[]): OpenCount[] {
  const merged = new NamedCounts();
  for (const { names, open } of counts) merged.add(names, open);
  return merged.top(SHOWN);
}
