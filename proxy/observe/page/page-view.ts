// What the page shows, with every decision made and every number put into words: `render.ts` only
// puts it into HTML.

export interface PageView {
  readonly title: string;
  readonly version: string;
  readonly clock: string;
  readonly verdict: Verdict;
  readonly figures: readonly Figure[];
  readonly replicas: readonly ReplicaRow[];
  readonly watches: WatchView;
  readonly failures: readonly FailureRow[];
  readonly clients: readonly Ranking[];
  readonly resources: readonly Ranking[];
  readonly lists: readonly ListRow[];
}

/** `bad`: clients are failed now. `warn`: something is out or slow. `note`: worth knowing. */
export type Severity = 'bad' | 'warn' | 'note';

export interface Problem {
  readonly severity: Severity;
  readonly what: string;
  readonly advice: string;
}

export interface Verdict {
  readonly level: 'ok' | Exclude<Severity, 'note'>;
  readonly headline: string;
  /** The worst first. */
  readonly problems: readonly Problem[];
}

export interface Figure {
  readonly name: string;
  readonly value: string;
  readonly unit: string;
  readonly line: LineView | undefined;
}

/** A line over the last minutes; NaN where nothing is known. */
export interface LineView {
  readonly values: readonly number[];
  /** Of several values that fall on one point of the picture. */
  readonly join: 'max' | 'mean';
  /** In words, for who cannot see it. */
  readonly label: string;
}

export interface ReplicaRow {
  readonly name: string;
  readonly url: string;
  readonly state: 'ready' | 'not ready' | 'ejected';
  /** Why, or since when. */
  readonly stateDetail: string;
  readonly version: string;
  readonly requests: string;
  readonly requestsLine: LineView;
  readonly errors: string;
  readonly inFlight: string;
  readonly watches: string;
  readonly watchesLine: LineView;
  readonly p50: string;
  readonly p99: string;
  readonly p99Line: LineView;
  readonly slow: boolean;
  readonly freshness: string;
  readonly late: boolean;
  readonly restarts: string;
  readonly restartsDetail: string;
}

export interface WatchView {
  readonly bars: MoveBars;
  readonly entries: readonly TimeEntry[];
}

/** Counts of the last minutes, the newest last; NaN where nothing is known. */
export interface MoveBars {
  readonly moved: readonly number[];
  readonly refused: readonly number[];
  readonly label: string;
}

export interface TimeEntry {
  readonly clock: string;
  readonly tone: 'good' | 'bad' | 'plain';
  readonly text: string;
  readonly detail: string;
}

export interface FailureRow {
  readonly clock: string;
  readonly count: string;
  /** The code, as in the log and the metrics. */
  readonly code: string;
  readonly what: string;
  readonly detail: string;
  readonly last: string;
  readonly advice: string;
  readonly tone: 'bad' | 'plain';
}

export interface Ranking {
  readonly title: string;
  readonly rows: readonly RankingRow[];
}

export interface RankingRow {
  readonly name: string;
  readonly detail: string;
  readonly value: string;
  /** Of the first one: 0 to 1. */
  readonly part: number;
}

export interface ListRow {
  readonly clock: string;
  readonly running: boolean;
  readonly what: string;
  readonly duration: string;
  readonly size: string;
  readonly endpoint: string;
  readonly status: string;
  readonly client: string;
}
