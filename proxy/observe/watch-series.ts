// Families about watches: those of kube-apiserver, and what nobody else measures, namely what a
// watch looks like from its client's side.
import { PROXY_ERROR_CODES, type ProxyErrorCode } from '../errors.ts';
import { scopeOf } from '../kube/request-info.ts';
import type { RequestRecord } from './request-record.ts';
import type { RouteLabels } from './route-table.ts';
import { type Series, SeriesTable } from './series-table.ts';

/** What is measured of the watches of one route; offsets into the tables. */
export interface WatchRows {
  readonly events: number;
  readonly sizes: number;
  readonly latency: number;
  readonly places: WatchPlace[];
}

/** The same at one endpoint. */
export interface WatchPlace {
  readonly endpoint: string;
  readonly header: number;
  readonly firstEvent: number;
  readonly open: number;
}

const RESOURCE = ['group', 'version', 'resource'];
const LIST_SECONDS = [0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 2, 4, 6, 8, 10, 15, 20, 30, 45, 60];
const EVENT_BYTES = [1024, 2048, 4096, 8192, 16_384, 32_768, 65_536, 131_072];
const START_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** From a tenth of a millisecond, which is what an undisturbed event takes. */
const LATENCY_SECONDS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0015, 0.002, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
  1, 2.5, 5, 10, 30,
];
/** From 1 s, below which client-go calls a watch "very short" and lists again. */
const LIFE_SECONDS = [1, 5, 15, 60, 300, 600, 1800, 3600, 7200];
/** How a watch ended: by itself, or why the door or its client ended it. */
const ENDS: readonly WatchEnd[] = ['complete', ...PROXY_ERROR_CODES];

type WatchEnd = 'complete' | ProxyErrorCode;

export class WatchSeries {
  readonly events = new SeriesTable({
    name: 'apiserver_watch_events_total',
    help: 'Number of events sent in watch clients',
    type: 'counter',
    labelNames: RESOURCE,
  });
  readonly sizes = new SeriesTable({
    name: 'apiserver_watch_events_sizes',
    help: 'Watch event size distribution in bytes',
    type: 'histogram',
    labelNames: RESOURCE,
    bounds: EVENT_BYTES,
  });
  readonly latencies = new SeriesTable({
    name: 'evenkeel_watch_event_latency_seconds',
    help: "From an event's first byte from the endpoint until the client's socket has been given all of it.",
    type: 'histogram',
    labelNames: ['group', 'resource'],
    bounds: LATENCY_SECONDS,
  });
  private readonly lists = new SeriesTable({
    name: 'apiserver_watch_list_duration_seconds',
    help:
      'Response latency distribution in seconds for watch list requests broken by group, version, ' +
      'resource and scope.',
    type: 'histogram',
    labelNames: [...RESOURCE, 'scope'],
    bounds: LIST_SECONDS,
  });
  private readonly headers = new SeriesTable({
    name: 'evenkeel_watch_header_duration_seconds',
    help: 'From the entry of a watch until the header of its answer was passed on.',
    type: 'histogram',
    labelNames: ['endpoint', 'group', 'resource'],
    bounds: START_SECONDS,
  });
  private readonly firstEvents = new SeriesTable({
    name: 'evenkeel_watch_first_event_duration_seconds',
    help: 'From the entry of a watch until its first event came, however long nothing happened.',
    type: 'histogram',
    labelNames: ['endpoint', 'group', 'resource'],
    bounds: START_SECONDS,
  });
  private readonly lives = new SeriesTable({
    name: 'evenkeel_watch_duration_seconds',
    help: 'How long watches (verb WATCH), logs and tunnels (CONNECT) were open, by their end.',
    type: 'histogram',
    labelNames: ['verb', 'end'],
    bounds: LIFE_SECONDS,
  });
  private readonly ends = new SeriesTable({
    name: 'evenkeel_watch_ends_total',
    help: 'Watches that have ended, by why; complete is one that its endpoint ended in good order.',
    type: 'counter',
    labelNames: ['reason'],
  });
  readonly moves = new SeriesTable({
    name: 'evenkeel_watch_moves_total',
    help: 'Times that a watch went on at another endpoint, and where it came from.',
    type: 'counter',
    labelNames: ['reason', 'from', 'to'],
  });
  private readonly open = new SeriesTable({
    name: 'evenkeel_watches',
    help: 'Watches that are open.',
    type: 'gauge',
    labelNames: ['endpoint', 'group', 'resource'],
  });
  private readonly slow = new SeriesTable({
    name: 'evenkeel_watch_slow_consumers',
    help: 'Watches whose client has left an event untaken for more than a second.',
    type: 'gauge',
    labelNames: [],
  });

  constructor() {
    for (const reason of ENDS) this.ends.row([reason]);
    this.slow.row([]);
  }

  get all(): readonly Series[] {
    const { events, sizes, lists, headers, firstEvents, latencies, lives, ends, moves } = this;
    return [
      ...[events, sizes, lists, headers, firstEvents, latencies],
      ...[lives, ends, moves, this.open, this.slow],
    ];
  }

  rowsOf({ group, version, resource }: RouteLabels): WatchRows {
    const names = [group, version, resource];
    return {
      events: this.events.row(names),
      sizes: this.sizes.row(names),
      latency: this.latencies.row([group, resource]),
      places: [],
    };
  }

  placeOf(rows: WatchRows, { group, resource }: RouteLabels, endpoint: string): WatchPlace {
    for (const place of rows.places) if (place.endpoint === endpoint) return place;
    const names = [endpoint, group, resource];
    const place = {
      endpoint,
      header: this.headers.row(names),
      firstEvent: this.firstEvents.row(names),
      open: this.open.row(names),
    };
    rows.places.push(place);
    return place;
  }

  answered(place: WatchPlace, seconds: number): void {
    this.headers.observe(place.header, seconds);
  }

  firstEvent(place: WatchPlace, seconds: number): void {
    this.firstEvents.observe(place.firstEvent, seconds);
  }

  /** All initial events of a watch have been sent (KEP-3157). */
  listed({ info }: RequestRecord, seconds: number): void {
    const { apiGroup, apiVersion, resource } = info;
    // Here the apiserver does count a selected name (CleanListScope).
    const offset = this.lists.row([apiGroup, apiVersion, resource, scopeOf(info)]);
    this.lists.observe(offset, seconds);
  }

  moved(reason: string, from: string, to: string): void {
    this.moves.add(this.moves.row([reason, from, to]), 1);
  }

  ended({ verb, failure }: RequestRecord, seconds: number): void {
    const end = failure ?? 'complete';
    this.lives.observe(this.lives.row([verb, end]), seconds);
    if (verb === 'WATCH') this.ends.add(this.ends.row([end]), 1);
  }

  /** Watches whose client was slow at the last count. */
  get slowNow(): number {
    return this.slow.get(0);
  }

  /** Begins to count open watches anew, and ends it. */
  beginOpen(): void {
    this.open.begin();
    this.slow.begin();
  }

  addOpen(place: WatchPlace, slow: boolean): void {
    this.open.addNow(place.open, 1);
    if (slow) this.slow.addNow(0, 1);
  }

  commitOpen(): void {
    this.open.commit();
    this.slow.commit();
  }
}
