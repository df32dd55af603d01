// Who is hitting the control plane hardest now: a page, because a label for each client would be a
// series for each client.
import type { OpenRequest } from './open-requests.ts';
import type { RequestRecord } from './request-record.ts';
import { hashOf, mergeTop, type TopEntry, TopList } from './top-list.ts';
import { type ResourceCount, TopResources } from './top-resources.ts';

const SHOWN = 20;
const MAX_NAME_LENGTH = 256;

/** Clients are named by address and user agent, resources by group and resource. */
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
  readonly names: readonly [string, string];
  readonly open: number;
}

export class TopCounts {
  private readonly clientRequests = new TopList();
  private readonly clientBytes = new TopList();
  readonly resources = new TopResources();

  /** A request has left. Bytes of long-running ones count at their end. */
  count(record: RequestRecord, resource: ResourceCount, nowMs: number): void {
    const { clientAddress, userAgent, requestBytes, responseBytes } = record;
    const bytes = requestBytes + responseBytes;
    const hash = hashOf(clientAddress, userAgent);
    this.clientRequests.add(hash, clientAddress, userAgent, 1, nowMs);
    this.clientBytes.add(hash, clientAddress, userAgent, bytes, nowMs);
    this.resources.add(resource, bytes, nowMs);
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

/** Watches that are open, by who has them and what of. */
export class OpenCounts {
  readonly clients = new NamedCounts();
  readonly resources = new NamedCounts();

  add({ record, route }: OpenRequest): void {
    if (route === undefined || record.verb !== 'WATCH') return;
    this.clients.add(record.clientAddress, record.userAgent.slice(0, MAX_NAME_LENGTH), 1);
    this.resources.add(route.labels.group, route.labels.resource, 1);
  }
}

class NamedCounts {
  private readonly byNames = new Map<string, Map<string, number>>();

  add(first: string, second: string, count: number): void {
    let inner = this.byNames.get(first);
    if (inner === undefined) {
      inner = new Map();
      this.byNames.set(first, inner);
    }
    inner.set(second, (inner.get(second) ?? 0) + count);
  }

  top(limit: number): OpenCount[] {
    const all: OpenCount[] = [];
    for (const [first, inner] of this.byNames) {
      for (const [second, open] of inner) all.push({ names: [first, second], open });
    }
    return all.sort((one, other) => other.open - one.open).slice(0, limit);
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
  for (const { names, open } of counts) merged.add(...names, open);
  return merged.top(SHOWN);
}
