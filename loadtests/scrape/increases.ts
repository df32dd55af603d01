// How much the counters of some processes have grown, put together by series: the processes of one
// component count the same things, and which of them did the work is another question.
import type { Sample } from './prometheus-text.ts';

export interface Grown {
  readonly sample: Sample;
  readonly by: number;
}

/** What one process had counted when it was last asked. */
export class Counted {
  #last: ReadonlyMap<string, number> | undefined;
  #startedAt: number | undefined;

  /**
   * What has been counted since the last call; nothing at the first. A process that was replaced has
   * begun at zero, and what the one before it counted last is lost.
   *
   * @param startedAt of `process_start_time_seconds`
   */
  grow(samples: readonly Sample[], startedAt: number | undefined): Grown[] {
    const before = this.#startedAt === startedAt ? this.#last : new Map<string, number>();
    const first = this.#last === undefined;
    this.#last = new Map(samples.map(({ key, value }) => [key, value]));
    this.#startedAt = startedAt;
    if (first) return [];
    // Those that have not grown too: an empty bucket says where the next one begins.
    return samples.map((sample) => {
      const last = before?.get(sample.key) ?? 0;
      // One that went back was reset within the process.
      return { sample, by: sample.value >= last ? sample.value - last : sample.value };
    });
  }
}

type Labels = Readonly<Record<string, string>>;

/** Increases by series, added up. */
export class Increases {
  readonly #grown = new Map<string, { readonly sample: Sample; by: number }>();

  add({ sample, by }: Grown): void {
    const known = this.#grown.get(sample.key);
    if (known === undefined) this.#grown.set(sample.key, { sample, by });
    else known.by += by;
  }

  /** Of all series called `name` whose labels are as `accept` wants them. */
  sum(name: string, accept: (labels: Labels) => boolean = () => true): number {
    return this.#of(name, accept).reduce((total, { by }) => total + by, 0);
  }

  /** The values that `label` has in series called `name`. */
  values(name: string, label: string): string[] {
    const found = this.#of(name, () => true).map(({ sample }) => sample.labels[label] ?? '');
    return [...new Set(found)].sort();
  }

  /** Of the histogram called `name`, of all its series that are accepted together. */
  histogram(name: string, accept: (labels: Labels) => boolean = () => true): BucketHistogram {
    const byBound = new Map<number, number>();
    for (const { sample, by } of this.#of(`${name}_bucket`, accept)) {
      const bound = sample.labels.le === '+Inf' ? Infinity : Number(sample.labels.le);
      byBound.set(bound, (byBound.get(bound) ?? 0) + by);
    }
    return new BucketHistogram(byBound);
  }

  #of(name: string, accept: (labels: Labels) => boolean): Grown[] {
    return [...this.#grown.values()].filter(
      ({ sample }) => sample.name === name && accept(sample.labels),
    );
  }
}

/** Cumulative counts by upper bound, as Prometheus has them. */
export class BucketHistogram {
  readonly #buckets: readonly (readonly [bound: number, upTo: number])[];

  constructor(byBound: ReadonlyMap<number, number>) {
    this.#buckets = [...byBound].sort(([a], [b]) => a - b);
  }

  get count(): number {
    return this.#buckets.at(-1)?.[1] ?? 0;
  }

  /**
   * As `histogram_quantile` (prometheus promql/quantile.go, BucketQuantile): evenly spread within a
   * bucket, and the highest finite bound for what lies above it. 0 when there is nothing.
   */
  quantile(share: number): number {
    const rank = share * this.count;
    let [lower, below] = [0, 0];
    for (const [bound, upTo] of this.#buckets) {
      if (upTo >= rank && upTo > below) {
        if (bound === Infinity) return lower;
        return lower + ((bound - lower) * (rank - below)) / (upTo - below);
      }
      [lower, below] = [bound, upTo];
    }
    return lower === Infinity ? 0 : lower;
  }
}
