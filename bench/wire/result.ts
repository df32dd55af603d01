import type { NotRun } from '../benchmark.ts';
import type { Summary } from '../summary.ts';
import type { WatchSample } from './watch-load.ts';

/** One load, all subjects. */
export interface RequestResult {
  readonly load: string;
  readonly backend: string;
  readonly rows: readonly Summary[];
  /** Subjects that do not answer as the direct way does. */
  readonly notRun: readonly NotRun[];
}

export interface WatchRow {
  readonly subject: string;
  /** Median of the samples. */
  readonly cpuMicrosPerEvent: number;
  readonly spreadPercent: number;
  readonly eventsPerSecond: number;
  /** Of resident memory; absent when the watches did not all open. */
  readonly idleBytesPerWatch?: number;
  readonly samples: readonly WatchSample[];
}

export interface WatchResult {
  readonly watches: number;
  readonly watchesPerConnection: number;
  readonly idleWatches: number;
  readonly eventBytes: number;
  readonly rows: readonly WatchRow[];
}

/** What is kept in bench/results/wire.json, beside the machine. */
export interface WireFigures {
  readonly seconds: number;
  readonly rounds: number;
  /** The program that sends the requests. */
  readonly client: string;
  /** Of the peers, by name. */
  readonly peers: Readonly<Record<string, string>>;
  readonly requests: readonly RequestResult[];
  readonly watches?: WatchResult;
  readonly notRun: readonly NotRun[];
}
