// Who is hitting the control plane hardest now: a page, because a label for each client would be a
// series for each client.
import type { OpenRequest } from './open-requests.ts';
import type { RequestRecord } from './request-record.ts';
import { hashOf, mergeTop, type TopEntry, TopList } from './top-list.ts';
import { type ResourceCount, TopResources } from './top-resources.ts';

const SHOWN = 20;

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

  report(open: readonly OpenRequest[], nowMs: number): TopReport {
    const watches = open.filter(({ record, route }) => route && record.verb === 'WATCH');
    return {
      clientsByRequests: this.clientRequests.top(SHOWN, nowMs),
      clientsByBytes: this.clientBytes.top(SHOWN, nowMs),
      resourcesByRequests: this.resources.top(SHOWN, 'requests', nowMs),
      resourcesByBytes: this.resources.top(SHOWN, 'bytes', nowMs),
      clientsByWatches: countOpen(watches, ({ record }) => [
        record.clientAddress,
        record.userAgent.slice(0, 256),
      ]),
      resourcesByWatches: countOpen(watches, ({ route }) => [
        route?.labels.group ?? '',
        route?.labels.resource ?? '',
      ]),
    };
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

function countOpen(
  watches: readonly OpenRequest[],
  namesOf: (watch: OpenRequest) => [string, string],
): OpenCount[] {
  return mergeOpen(watches.map((watch) => ({ names: namesOf(watch), open: 1 })));
}

function mergeOpen(counts: readonly OpenCount[]): OpenCount[] {
  const merged = new Map<string, OpenCount>();
  for (const { names, open } of counts) {
    const key = names.join('\0');
    merged.set(key, { names, open: open + (merged.get(key)?.open ?? 0) });
  }
  return [...merged.values()].sort((one, other) => other.open - one.open).slice(0, SHOWN);
}
