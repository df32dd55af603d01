// k6's samples as they come, added up by series: never kept, since an hour has millions.
import { LatencyHistogram } from '../histogram.ts';
import type { DistributionLine, MetricLine, WindowLine } from '../result.ts';

const WINDOW_MS = 5000;

interface Point {
  readonly metric: string;
  readonly type: string;
  readonly data: {
    readonly time: string;
    readonly value: number;
    readonly tags: Readonly<Record<string, string>>;
  };
}

class Tally {
  readonly latency = new LatencyHistogram();
  errors = 0;

  record(ms: number, failed: boolean): void {
    this.latency.record(ms * 1000);
    if (failed) this.errors += 1;
  }
}

/** Times are counted from `startedAtMs`, of the clock that k6 writes. */
export class Samples {
  readonly #startedAtMs: number;
  readonly #measured = new Map<string, Tally>();
  /** By series, then by number of the window. */
  readonly #windows = new Map<string, Map<number, Tally>>();
  iterations = 0;
  droppedIterations = 0;
  /** Requests that failed in any phase, set-up included. */
  failed = 0;
  requests = 0;
  measureFromMs: number | undefined;

  constructor(startedAtMs: number) {
    this.#startedAtMs = startedAtMs;
  }

  /** One line of `k6 run --out json`. */
  take(line: string): void {
    // Most lines are of metrics that nobody asks for, and parsing is what all this costs.
    if (line.startsWith('{"metric":"http_req_duration"')) this.#takeRequest(line);
    else if (line.startsWith('{"metric":"grpc_req_duration"')) this.#takeCall(line);
    else if (line.startsWith('{"metric":"evenkeel_stream_latency"')) this.#takeCall(line);
    else if (line.startsWith('{"metric":"evenkeel_failures"')) this.#takeFailure(line);
    else if (line.startsWith('{"metric":"iterations"')) this.iterations += pointValue(line);
    else if (line.startsWith('{"metric":"dropped_iterations"')) {
      this.droppedIterations += pointValue(line);
    }
  }

  /** By series, of what was measured so far. */
  latencies(): ReadonlyMap<string, LatencyHistogram> {
    return new Map([...this.#measured].map(([series, { latency }]) => [series, latency]));
  }

  /** Of all that was measured so far. */
  p99Ms(): number {
    const all = new LatencyHistogram();
    for (const { latency } of this.#measured.values()) all.add(latency);
    return all.percentileUs(99) / 1000;
  }

  windows(): WindowLine[] {
    return [...this.#windows].flatMap(([series, windows]) =>
      [...windows].map(([number, { latency, errors }]) => ({
        type: 'window',
        series,
        atMs: number * WINDOW_MS,
        lengthMs: WINDOW_MS,
        count: latency.count,
        errors,
        p50Ms: latency.percentileUs(50) / 1000,
        p99Ms: latency.percentileUs(99) / 1000,
        maxMs: latency.maxUs / 1000,
      })),
    );
  }

  distributions(): DistributionLine[] {
    return [...this.#measured].map(([series, { latency }]) => ({
      type: 'distribution',
      series,
      histogram: latency.encode(),
    }));
  }

  metrics(): MetricLine[] {
    return [...this.#measured].flatMap(([series, { latency, errors }]) => {
      const observations = latency.count;
      const common = { type: 'metric', better: 'lower', observations } as const;
      const percentile = (percent: number): MetricLine => ({
        ...common,
        name: `latency_p${percent}{${series}}`,
        value: latency.percentileUs(percent) / 1000,
        unit: 'ms',
      });
      // Failures of streams may be of more than ever came.
      const share = errors / Math.max(observations, errors);
      return [
        percentile(50),
        percentile(99),
        { ...common, name: `errors{${series}}`, value: share, unit: 'ratio', critical: true },
      ];
    });
  }

  #takeRequest(line: string): void {
    const { type, data } = JSON.parse(line) as Point;
    // The first line of a metric says what it is and is no sample.
    if (type !== 'Point') return;
    this.#record(data, data.tags.expected_response === 'false');
  }

  /** Of gRPC, whose status is a code (0 is OK); what came on a stream has none. */
  #takeCall(line: string): void {
    const { type, data } = JSON.parse(line) as Point;
    // The life of a stream is no latency.
    if (type !== 'Point' || data.tags.stream !== undefined) return;
    this.#record(data, (data.tags.status ?? '0') !== '0');
  }

  /** Something was answered as it was not meant to be, such as a compare that did not hold. */
  #takeFailure(line: string): void {
    const { type, data } = JSON.parse(line) as Point;
    if (type !== 'Point') return;
    this.failed += 1;
    const { name = 'unnamed', phase } = data.tags;
    if (phase === 'measure') entry(this.#measured, name, () => new Tally()).errors += 1;
  }

  #record(data: Point['data'], failed: boolean): void {
    const { name = 'unnamed', phase } = data.tags;
    this.requests += 1;
    if (failed) this.failed += 1;
    const atMs = Date.parse(data.time) - this.#startedAtMs;
    const windows = entry(this.#windows, name, () => new Map<number, Tally>());
    entry(windows, Math.floor(atMs / WINDOW_MS), () => new Tally()).record(data.value, failed);
    if (phase !== 'measure') return;
    this.measureFromMs ??= atMs;
    entry(this.#measured, name, () => new Tally()).record(data.value, failed);
  }
}

function pointValue(line: string): number {
  const { type, data } = JSON.parse(line) as Point;
  return type === 'Point' ? data.value : 0;
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}
