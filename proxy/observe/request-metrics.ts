// What is counted with each request and each event of a watch. All of it is plain numbers: an
// observation must cost next to nothing, and a scrape must not stop the event loop.
import { ApiserverSeries } from './apiserver-series.ts';
import { FreshnessSeries } from './freshness.ts';
import { OpenRequest, OpenRequests } from './open-requests.ts';
import { wasOpened } from './request-outcome.ts';
import type { RequestObserver, RequestRecord } from './request-record.ts';
import { RequestSeries } from './request-series.ts';
import { RouteTable, type TallyLimits } from './route-table.ts';
import type { Route } from './routes.ts';
import type { Series } from './series-table.ts';
import { OpenCounts, TopCounts, type TopReport } from './top-report.ts';
import { WatchSeries } from './watch-series.ts';
import { WatchTally } from './watch-tally.ts';
import { WriteTimeSeries } from './write-times.ts';

/** Open requests that are looked at in one go. */
const SLICE = 4000;

export class RequestMetrics implements RequestObserver {
  /** Receives what becomes of carried watches. */
  readonly moves = new WatchTally();
  private readonly routes: RouteTable<Route>;
  readonly requests: RequestSeries;
  private readonly apiserver = new ApiserverSeries();
  readonly watches = new WatchSeries();
  readonly freshness = new FreshnessSeries();
  private readonly writeTimes: WriteTimeSeries;
  private readonly top = new TopCounts();
  private readonly open = new OpenRequests();
  private readonly nowMs: () => number;
  private counting: Promise<void> | undefined;
  private behindNow: ReadonlyMap<string, number> = new Map();

  constructor(limits: Partial<TallyLimits> | undefined, nowMs: () => number, wallMs = Date.now) {
    this.nowMs = nowMs;
    this.writeTimes = new WriteTimeSeries(wallMs);
    this.routes = new RouteTable(
      (labels) => ({
        labels,
        own: this.requests.rowsOf(labels),
        apiserver: this.apiserver.rowsOf(labels),
        resource: this.top.resources.of(labels.group, labels.resource),
        watch: undefined,
      }),
      limits,
    );
    this.requests = new RequestSeries(this.routes.maxSeries);
  }

  entered(record: RequestRecord): void {
    if (!record.longRunning) {
      this.apiserver.entered(record);
      return;
    }
    const { watches, freshness, writeTimes, requests, nowMs } = this;
    const findRoute = (one: RequestRecord): Route => this.routes.find(one);
    const parts = { watches, freshness, writeTimes, requests, findRoute, nowMs };
    const open = new OpenRequest(record, parts);
    record.meter = open;
    this.open.add(open);
  }

  left(record: RequestRecord, leftAtMs: number): void {
    const seconds = (leftAtMs - record.enteredAtMs) / 1000;
    const open = record.longRunning ? this.open.take(record) : undefined;
    open?.settle();
    if (!record.longRunning) this.apiserver.ended(record, leftAtMs);
    let route = open?.route ?? this.routes.find(record);
    this.apiserver.count(route.apiserver, record, seconds);
    if (!this.requests.count(route.own, record, seconds)) {
      route = this.routes.otherOf(record);
      this.requests.count(route.own, record, seconds);
    }
    const bytes = open?.countBytes(route) ?? this.countBytes(route, record);
    this.top.count(record, route.resource, bytes, leftAtMs);
    if (wasOpened(record)) this.watches.ended(record, seconds);
  }

  /** All families as they are now. */
  async series(): Promise<Series[]> {
    await this.countOpen();
    return this.all;
  }

  /** All families, with the last count of what is open. */
  get all(): Series[] {
    const { requests, apiserver, watches, writeTimes, moves, freshness } = this;
    return [requests, watches, writeTimes, moves, freshness, apiserver].flatMap(({ all }) => all);
  }

  async topReport(): Promise<TopReport> {
    const counts = new OpenCounts();
    const look = (request: OpenRequest): void => {
      request.settle();
      counts.add(request);
    };
    await inSlices(this.open.list, look, () => undefined);
    return this.top.report(counts, this.nowMs());
  }

  /** Of open watches, by the last count: how many are slow, and how far each endpoint is behind. */
  openWatches(): { readonly slow: number; readonly behind: ReadonlyMap<string, number> } {
    // A bug in it shows at the next scrape.
    this.countOpen().catch(() => undefined);
    return { slow: this.watches.slowNow, behind: this.behindNow };
  }

  private countBytes(route: Route, { requestBytes, responseBytes }: RequestRecord): number {
    this.requests.countBytes(route.own, requestBytes, responseBytes);
    return requestBytes + responseBytes;
  }

  /** Counts what is open; who asks while it is being counted gets the same count. */
  private countOpen(): Promise<void> {
    this.counting ??= this.beginCount().finally(() => {
      this.counting = undefined;
    });
    return this.counting;
  }

  private beginCount(): Promise<void> {
    const nowMs = this.nowMs();
    const { apiserver, watches, freshness } = this;
    apiserver.beginLongRunning();
    watches.beginOpen();
    freshness.clear();
    const look = (request: OpenRequest): void => {
      request.settle();
      // A refused one is counted when it ends: before, its resource may be an invention.
      const { route } = request;
      if (route === undefined) return;
      const bytes = request.countBytes(route);
      this.top.countBytes(request.record, route.resource, bytes, nowMs);
      request.show(nowMs);
      apiserver.addLongRunning(route.apiserver);
    };
    return inSlices(this.open.list, look, () => {
      apiserver.commitLongRunning();
      watches.commitOpen();
      freshness.show();
      this.behindNow = freshness.mostBehind();
      apiserver.showInFlight(nowMs);
    });
  }
}

/**
 * Looks at all that are open now, and then calls `done`; those that leave meanwhile are left out. What
 * is one slice at most is done before this returns.
 */
async function inSlices(
  list: readonly OpenRequest[],
  look: (request: OpenRequest) => void,
  done: () => void,
): Promise<void> {
  const open = [...list];
  for (const [index, request] of open.entries()) {
    if (index > 0 && index % SLICE === 0) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (request.isOpen) look(request);
  }
  done();
}
