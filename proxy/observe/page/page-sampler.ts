// Once a second: what one process has counted since the last time. It reads the tables that the
// metrics are kept in, so that no request pays for the page.
import { LAG_SECONDS } from '../freshness.ts';
import type { RequestMetrics } from '../request-metrics.ts';
import type { RequestRecord } from '../request-record.ts';
import { BUCKETS_SECONDS } from '../request-series.ts';
import { GAP_SECONDS } from '../watch-tally.ts';
import { Differences } from './differences.ts';
import { type NotedRequests, notedList } from './noted-requests.ts';
import type { EndpointFigures, NotedList, PageFigures, RefusalFigures } from './page-figures.ts';

export interface PageSamplerParts {
  readonly requests: RequestMetrics;
  readonly noted: NotedRequests;
  /** Requests that are open now. */
  openRecords(): Iterable<{ readonly record: RequestRecord }>;
  /** The clock of the records. */
  readonly nowMs: () => number;
}

/** A LIST that takes longer is worth a line while it goes on. */
const LONG_LIST_MS = 1000;
const MAX_OPEN_LISTS = 10;
/** Every open watch has to be looked at for it: not each second. */
const OPEN_EVERY = 5;
/** Their time is the length of what they read. */
const COLLECTION_VERBS: readonly string[] = ['LIST', 'DELETECOLLECTION'];

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
type Counted = Mutable<Omit<EndpointFigures, 'durations' | 'lags'>> & {
  readonly durations: number[];
  readonly lags: number[];
};

export class PageSampler {
  private readonly parts: PageSamplerParts;
  private readonly durations: Differences;
  private readonly requests: Differences;
  private readonly lags: Differences;
  private readonly moves: Differences;
  private readonly continuations: Differences;
  private readonly gaps: Differences;
  private takes = 0;
  private openWatches: ReturnType<RequestMetrics['openWatches']> = { slow: 0, behind: new Map() };
  private loop = performance.eventLoopUtilization();

  constructor(parts: PageSamplerParts) {
    this.parts = parts;
    const { requests, watches, freshness, moves } = parts.requests;
    this.durations = new Differences(requests.durations);
    this.requests = new Differences(requests.requests);
    this.lags = new Differences(freshness.lags);
    this.moves = new Differences(watches.moves);
    this.continuations = new Differences(moves.continuations);
    this.gaps = new Differences(moves.gaps);
  }

  take(): PageFigures {
    if (this.takes % OPEN_EVERY === 0) this.openWatches = this.parts.requests.openWatches();
    this.takes += 1;
    const { slow, behind } = this.openWatches;
    const { lists, failures } = this.parts.noted.take();
    return {
      busy: this.busySince(),
      residentBytes: process.memoryUsage.rss(),
      slowWatches: slow,
      endpoints: this.endpoints(behind),
      ...this.whatMoved(),
      failures,
      lists,
      openLists: this.openLists(),
    };
  }

  private busySince(): number {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, this.loop);
    this.loop = now;
    return utilization;
  }

  private endpoints(behind: ReadonlyMap<string, number>): EndpointFigures[] {
    const all = new Map<string, Counted>();
    const of = (name: string): Counted => {
      const known = all.get(name) ?? nothingOf(name);
      all.set(name, known);
      return known;
    };
    this.durations.take(([verb = '', _scope, name = ''], delta) => {
      const counted = of(name);
      const isCollection = COLLECTION_VERBS.includes(verb);
      for (let i = 0; i <= BUCKETS_SECONDS.length; i += 1) {
        const count = delta[i] ?? 0;
        counted.requests += count;
        if (!isCollection) counted.durations[i] = (counted.durations[i] ?? 0) + count;
      }
    });
    this.requests.take((labels, [count = 0]) => {
      const [code = '', name = ''] = labels.slice(-2);
      if (code.startsWith('5')) of(name).errors += count;
    });
    this.lags.take(([name = ''], delta) => {
      const { lags } = of(name);
      for (let i = 0; i <= LAG_SECONDS.length; i += 1) lags[i] = (lags[i] ?? 0) + (delta[i] ?? 0);
    });
    for (const [name, count] of behind) of(name).behind = count;
    return [...all.values()];
  }

  private whatMoved(): Pick<PageFigures, 'moves' | 'refusals' | 'longestGapSeconds'> {
    const moves: Mutable<PageFigures['moves'][number]>[] = [];
    this.moves.take(([reason = '', from = '', to = ''], [count = 0]) => {
      moves.push({ reason, from, to, count });
    });
    const refusals: RefusalFigures[] = [];
    this.continuations.take(([reason = '', result = ''], [count = 0]) => {
      if (result !== 'continued') refusals.push({ reason, result, count });
    });
    let longestGapSeconds = 0;
    this.gaps.take((_labels, delta) => {
      const longest = delta.subarray(0, -1).findLastIndex((count) => count > 0);
      longestGapSeconds = GAP_SECONDS[longest] ?? GAP_SECONDS.at(-1) ?? 0;
    });
    return { moves, refusals, longestGapSeconds };
  }

  private openLists(): NotedList[] {
    const nowMs = this.parts.nowMs();
    const lists: NotedList[] = [];
    for (const { record } of this.parts.openRecords()) {
      const durationMs = nowMs - record.enteredAtMs;
      if (record.verb !== 'LIST' || durationMs < LONG_LIST_MS) continue;
      lists.push(notedList(record, durationMs, Date.now()));
    }
    return lists.toSorted((a, b) => b.durationMs - a.durationMs).slice(0, MAX_OPEN_LISTS);
  }
}

function nothingOf(name: string): Counted {
  return {
    name,
    requests: 0,
    durations: new Array<number>(BUCKETS_SECONDS.length + 1).fill(0),
    errors: 0,
    lags: new Array<number>(LAG_SECONDS.length + 1).fill(0),
    behind: undefined,
  };
}
