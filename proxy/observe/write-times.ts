// How long a change takes from its write to its watchers, apiserver and etcd included: what the door
// adds is another family's. Of some events only, since their objects have to be looked into.
import { readWriteTime } from '../kube/read-write-time.ts';
import type { WatchFrame } from '../kube/watch-frame.ts';
import type { WriteTime } from '../kube/write-time.ts';
import type { RouteLabels } from './route-table.ts';
import { SampleRate } from './sample-rate.ts';
import { type Series, SeriesTable } from './series-table.ts';

/** Each costs some microseconds: together a thousandth of the time. */
export const MAX_LOOKS_PER_SECOND = 50;
/** Two apiservers' clocks may differ so much, and a second is what their times are cut to. */
const REORDER_MS = 2000;
/** Below a second they are of use for leases alone. */
const DELAY_SECONDS = [
  0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30, 60, 300,
];

/**
 * `measured`; `no_time`: the object shows none, or is being deleted; `earlier_write`: the time is
 * that of another write than this one; `ahead`: it lies in the future, so a clock is wrong.
 */
type LookResult = 'measured' | 'no_time' | 'earlier_write' | 'ahead';
const RESULTS: readonly LookResult[] = ['measured', 'no_time', 'earlier_write', 'ahead'];

export class WriteTimeSeries {
  readonly delays = new SeriesTable({
    name: 'evenkeel_watch_write_to_delivery_seconds',
    help:
      "From an object's write until the client's socket has been given the event, of at most " +
      `${MAX_LOOKS_PER_SECOND} events a second. By the writer's clock against the door's, so wrong ` +
      'by what lies between the two. source="renew_time": of Leases, to a millisecond; ' +
      'source="managed_fields": too long by up to a second, to which apiservers cut that time.',
    type: 'histogram',
    labelNames: ['group', 'resource', 'source'],
    bounds: DELAY_SECONDS,
  });
  private readonly looks = new SeriesTable({
    name: 'evenkeel_watch_write_times_total',
    help:
      'Events that were looked into for when they were written, by what was found: ahead is a ' +
      "write in the future, so a writer's clock that is ahead of the door's.",
    type: 'counter',
    labelNames: ['result'],
  });
  private readonly rate: SampleRate;
  private readonly wallMs: () => number;

  /** @param wallMs milliseconds since 1970 */
  constructor(wallMs: () => number, random?: () => number) {
    this.wallMs = wallMs;
    this.rate = new SampleRate(MAX_LOOKS_PER_SECOND, random);
    for (const result of RESULTS) this.looks.row([result]);
  }

  get all(): readonly Series[] {
    return [this.delays, this.looks];
  }

  /** Whether the next event is to be looked into. */
  wants(nowMs: number): boolean {
    return this.rate.take(nowMs);
  }

  count(result: LookResult): void {
    this.looks.add(this.looks.row([result]), 1);
  }

  /** @returns whether the write was before now */
  delivered({ group, resource }: RouteLabels, { atMs, source }: WriteTime): void {
    const seconds = (this.wallMs() - atMs) / 1000;
    if (seconds < 0) {
      this.count('ahead');
      return;
    }
    this.count('measured');
    this.delays.observe(this.delays.row([group, resource, source]), seconds);
  }

  ageMs({ atMs }: WriteTime): number {
    return this.wallMs() - atMs;
  }
}

/** Of one watch: which of its events are news, and the one whose delivery is waited for. */
export class WrittenEvents {
  private readonly series: WriteTimeSeries;
  private readonly labels: RouteLabels;
  /** What it began with has been sent. */
  private initialOver = false;
  private newestMs = 0;
  private endByte = 0;
  private waiting: WriteTime | undefined;

  constructor(series: WriteTimeSeries, labels: RouteLabels) {
    this.series = series;
    this.labels = labels;
  }

  /**
   * @param endByte where the event will end, in bytes of the whole body
   * @param openForMs how long ago the watch was answered
   */
  event(frame: WatchFrame, endByte: number, openForMs: number, nowMs: number): void {
    const { series } = this;
    if (!this.isNews(frame) || this.waiting !== undefined || !series.wants(nowMs)) return;
    const { group, resource } = this.labels;
    const isLease = resource === 'leases' && group === 'coordination.k8s.io';
    const time = readWriteTime(frame.bytes, isLease);
    if (time === undefined) series.count('no_time');
    else if (this.isEarlier(time, openForMs)) series.count('earlier_write');
    else {
      this.waiting = time;
      this.endByte = endByte;
    }
  }

  /** So many bytes of the body have been handed to the socket. */
  sent(totalBytes: number): void {
    const { waiting } = this;
    if (waiting === undefined || this.endByte > totalBytes) return;
    this.waiting = undefined;
    this.series.delivered(this.labels, waiting);
  }

  /**
   * Objects that a watch begins with come as ADDED, and what comes behind all of them is known by any
   * other type: nothing else tells, where the client has not asked for that bookmark.
   */
  private isNews({ type }: WatchFrame): boolean {
    if (type === 'ADDED') return this.initialOver;
    if (type === 'MODIFIED' || type === 'DELETED' || type === 'BOOKMARK') this.initialOver = true;
    return type === 'MODIFIED';
  }

  /**
   * History from before the watch is not late: nobody waited for it. And what this watch has brought
   * goes forward in time, so a time that goes back is of a write before the one that the event
   * tells of. Holders of leases have clocks of their own.
   */
  private isEarlier(time: WriteTime, openForMs: number): boolean {
    if (this.series.ageMs(time) > openForMs) return true;
    if (time.source === 'renew_time') return false;
    if (time.atMs < this.newestMs - REORDER_MS) return true;
    this.newestMs = Math.max(this.newestMs, time.atMs);
    return false;
  }
}
