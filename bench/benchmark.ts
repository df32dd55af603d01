import type { Options } from './options.ts';

export interface BenchmarkContext {
  /** An empty folder of its own, removed afterwards. */
  readonly directory: string;
  readonly options: Options;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
  /** Hands over something to be ended, last one first. Throws when it comes after an abort. */
  readonly onEnd: (end: () => Promise<void>) => Promise<void>;
}

export interface BenchmarkResult {
  /** Kept in bench/results beside the machine that it was measured on. */
  readonly figures: object;
  /** The same for people at a terminal. */
  readonly lines: readonly string[];
}

/** Something that could not be measured on this machine. */
export interface NotRun {
  readonly name: string;
  readonly reason: string;
}

/** One benchmark, in a file of its own. It measures, and judges nothing. */
export interface Benchmark {
  /** As in `npm run bench -- NAME`; also the name of its file and of its result. */
  readonly name: string;
  readonly title: string;
  run(context: BenchmarkContext): Promise<BenchmarkResult>;
}
