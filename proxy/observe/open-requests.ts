// Long-running requests while they are open: what their watches bring is measured as it comes, and
// their bytes are counted while they flow, not hours later.
import type { WatchFrame } from '../kube/watch-frame.ts';
import { EventLatencies } from './event-latencies.ts';
import type { Freshness, FreshnessSeries } from './freshness.ts';
import { wasOpened } from './request-outcome.ts';
import type { RequestRecord, WatchMeter } from './request-record.ts';
import type { RequestSeries } from './request-series.ts';
import type { Route } from './routes.ts';
import type { WatchPlace, WatchRows, WatchSeries } from './watch-series.ts';
import { type WriteTimeSeries, WrittenEvents } from './write-times.ts';

/** What open requests are counted in. */
export interface OpenRequestParts {
  readonly watches: WatchSeries;
  readonly freshness: FreshnessSeries;
  readonly writeTimes: WriteTimeSeries;
  readonly requests: RequestSeries;
  findRoute(record: RequestRecord): Route;
  readonly nowMs: () => number;
}

/** A client that takes nothing for so long is slow. */
const SLOW_MS = 1000;
/**
 * After a watch has begun or moved, what comes first may be history: it says nothing about how fast
 * a replica gets changes.
 */
const HISTORY_MS = 1000;
/** A resource version that a number holds exactly; etcd's are far from it. */
const MAX_VERSION_DIGITS = 15;

/** One long-running request. */
export class OpenRequest implements WatchMeter {
  readonly record: RequestRecord;
  /** Its place in the list; the list's own. */
  slot = -1;
  /** Known once it has been answered. */
  route: Route | undefined;
  private readonly parts: OpenRequestParts;
  private readonly waiting = new EventLatencies();
  private rows: WatchRows | undefined;
  private place: WatchPlace | undefined;
  private freshness: Freshness | undefined;
  private written: WrittenEvents | undefined;
  private freshFromMs = 0;
  private eventSeen = false;
  private countedRequestBytes = 0;
  private countedResponseBytes = 0;

  constructor(record: RequestRecord, parts: OpenRequestParts) {
    this.record = record;
    this.parts = parts;
  }

  get isOpen(): boolean {
    return this.slot >= 0;
  }

  /** True while it is slow to take what there is for it. */
  isSlow(nowMs: number): boolean {
    const { oldestMs } = this.waiting;
    return oldestMs !== undefined && nowMs - oldestMs > SLOW_MS;
  }

  event(frame: WatchFrame, firstByteAtMs: number, forwarded: boolean): void {
    const { parts, record } = this;
    this.settle();
    const { rows, freshness } = this;
    if (rows === undefined) return;
    if (freshness !== undefined) this.noteVersion(freshness, frame, firstByteAtMs);
    const { length } = frame.bytes;
    const openForMs = firstByteAtMs - record.answeredAtMs;
    this.written?.event(frame, record.responseBytes + length, openForMs, firstByteAtMs);
    if (!forwarded || frame.type === 'BLANK') return;
    const { watches } = parts;
    watches.events.add(rows.events, 1);
    watches.sizes.observe(rows.sizes, length);
    this.waiting.add(record.responseBytes + length, firstByteAtMs);
    const sinceEntry = (firstByteAtMs - record.enteredAtMs) / 1000;
    if (!this.eventSeen && this.place !== undefined) watches.firstEvent(this.place, sinceEntry);
    this.eventSeen = true;
    if (frame.initialEventsEnd) watches.listed(record, sinceEntry);
  }

  sent(totalBytes: number): void {
    if (!this.waiting.hasUpTo(totalBytes)) return;
    this.written?.sent(totalBytes);
    const { rows, parts } = this;
    const nowMs = parts.nowMs();
    this.waiting.takeUpTo(totalBytes, (sinceMs, count) => {
      if (rows === undefined) return;
      const seconds = Math.max(0, nowMs - sinceMs) / 1000;
      for (let i = 0; i < count; i += 1) parts.watches.latencies.observe(rows.latency, seconds);
    });
  }

  moved(reason: string, endpoint: string): void {
    const { parts, record, route } = this;
    parts.watches.moved(reason, record.endpoint, endpoint);
    this.freshFromMs = parts.nowMs() + HISTORY_MS;
    if (this.rows === undefined || route === undefined) return;
    this.place = parts.watches.placeOf(this.rows, route.labels, endpoint);
  }

  /** Takes note of its answer, once it has come. */
  settle(): void {
    const { parts, record } = this;
    if (this.route !== undefined || !wasOpened(record)) return;
    const route = parts.findRoute(record);
    this.route = route;
    if (record.verb !== 'WATCH') return;
    const { labels } = route;
    route.watch ??= parts.watches.rowsOf(labels);
    this.rows = route.watch;
    this.place = parts.watches.placeOf(route.watch, labels, record.endpoint);
    parts.watches.answered(this.place, (record.answeredAtMs - record.enteredAtMs) / 1000);
    this.freshFromMs = record.answeredAtMs + HISTORY_MS;
    this.written = new WrittenEvents(parts.writeTimes, labels);
    if (labels.scope === 'cluster' && !record.info.query.includes('Selector')) {
      this.freshness = parts.freshness.of(labels.group, labels.resource);
    }
  }

  /** Counts the bytes since the last time. @returns how many there were */
  countBytes(route: Route): number {
    const { requestBytes, responseBytes } = this.record;
    const requestGrowth = requestBytes - this.countedRequestBytes;
    const responseGrowth = responseBytes - this.countedResponseBytes;
    this.parts.requests.countBytes(route.own, requestGrowth, responseGrowth);
    this.countedRequestBytes = requestBytes;
    this.countedResponseBytes = responseBytes;
    return requestGrowth + responseGrowth;
  }

  /** Counts it among the watches that are open now. */
  show(nowMs: number): void {
    const { parts, place, freshness, record } = this;
    if (place === undefined) return;
    parts.watches.addOpen(place, this.isSlow(nowMs));
    if (freshness !== undefined) parts.freshness.watch(freshness, record.endpoint);
  }

  private noteVersion(freshness: Freshness, frame: WatchFrame, nowMs: number): void {
    const { type, resourceVersion: version } = frame;
    // ADDED may be an old object among the initial ones.
    const change = type === 'MODIFIED' || type === 'DELETED';
    if (nowMs < this.freshFromMs || (!change && type !== 'BOOKMARK')) return;
    if (version === undefined || version.length > MAX_VERSION_DIGITS) return;
    const number = Number(version);
    if (!(number > 0)) return;
    this.parts.freshness.saw(freshness, this.record.endpoint, number, change, nowMs);
  }
}

/** All of them. A list for the reason that OpenExchanges is one. */
export class OpenRequests {
  readonly list: OpenRequest[] = [];

  add(request: OpenRequest): void {
    request.slot = this.list.length;
    this.list.push(request);
  }

  /** The one of this record, taken out. */
  take({ meter }: RequestRecord): OpenRequest | undefined {
    if (!(meter instanceof OpenRequest) || this.list[meter.slot] !== meter) return undefined;
    const last = this.list.pop();
    if (last !== undefined && last !== meter) {
      this.list[meter.slot] = last;
      last.slot = meter.slot;
    }
    meter.slot = -1;
    return meter;
  }
}
