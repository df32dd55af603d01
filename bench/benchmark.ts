import type { MeasuredSubject, Settings } from './subject.ts';

export interface BenchmarkContext {
  /** An empty folder of its own, removed afterwards. */
  readonly directory: string;
  readonly settings: Settings;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
  /** Hands over something to be ended, last one first. Throws when it comes after an abort. */
  readonly onEnd: (end: () => Promise<void>) => Promise<void>;
}

export interface BenchmarkResult {
  readonly subjects: readonly MeasuredSubject[];
  /** Subjects that could not be measured on this machine, with the reason. */
  readonly notRun: readonly { readonly name: string; readonly reason: string }[];
}

/** One benchmark, in a file of its own. It measures, and judges nothing. */
export interface Benchmark {
  /** As in `npm run bench -- NAME`; also the name of its file and of its result. */
  readonly name: string;
  readonly title: string;
  run(context: BenchmarkContext): Promise<BenchmarkResult>;
}
