// What the door says on its admin port.
import { parseSamples, type Sample } from '../apiserver-metrics.ts';
import { keyOf } from './mix.ts';

export async function readDoor(adminUrl: string): Promise<Sample[]> {
  const answer = await fetch(`${adminUrl}/metrics`);
  return parseSamples(await answer.text());
}

/** How a family has grown, by verb, resource and scope; what has not grown is left out. */
export function growth(
  name: string,
  before: readonly Sample[],
  after: readonly Sample[],
): Map<string, number> {
  const grown = new Map<string, number>();
  const add = (samples: readonly Sample[], factor: number): void => {
    for (const { labels, value } of samples.filter((sample) => sample.name === name)) {
      const { verb = '', resource = '', scope = '' } = labels;
      const key = keyOf({ verb, resource, scope });
      grown.set(key, (grown.get(key) ?? 0) + factor * value);
    }
  };
  add(after, 1);
  add(before, -1);
  return new Map([...grown].filter(([, value]) => Math.abs(value) > 1e-9));
}

/**
 * A quantile of what a histogram has observed meanwhile, as Prometheus' histogram_quantile
 * reckons it: on a straight line within the bucket.
 */
export function quantileOf(
  name: string,
  labels: Readonly<Record<string, string>>,
  quantile: number,
  before: readonly Sample[],
  after: readonly Sample[],
): number {
  const buckets = new Map<number, number>();
  const add = (samples: readonly Sample[], factor: number): void => {
    for (const sample of samples) {
      if (sample.name !== `${name}_bucket`) continue;
      if (!Object.entries(labels).every(([key, text]) => sample.labels[key] === text)) continue;
      const bound =
        sample.labels.le === '+Inf' ? Number.POSITIVE_INFINITY : Number(sample.labels.le);
      buckets.set(bound, (buckets.get(bound) ?? 0) + factor * sample.value);
    }
  };
  add(after, 1);
  add(before, -1);
  const sorted = [...buckets].toSorted(([one], [other]) => one - other);
  const total = sorted.at(-1)?.[1] ?? 0;
  const wanted = total * quantile;
  let [lower, below] = [0, 0];
  for (const [bound, count] of sorted) {
    if (count >= wanted && count > below) {
      if (!Number.isFinite(bound)) return lower;
      return lower + ((bound - lower) * (wanted - below)) / (count - below);
    }
    [lower, below] = [bound, count];
  }
  return Number.NaN;
}
