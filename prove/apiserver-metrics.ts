// What a kube-apiserver itself counts: the word of those who got the requests, not of the proxy.
import type { ControlPlane, Replica } from '../tools/control-plane.ts';
import { requestDirectly } from './apiserver-client.ts';

/** One sample of Prometheus' text format. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** All samples of one replica, read without the door. */
export async function readMetrics(
  controlPlane: Pick<ControlPlane, 'pki' | 'tokens'>,
  replica: Pick<Replica, 'url'>,
): Promise<Sample[]> {
  return parseSamples(await requestDirectly(controlPlane, replica, { path: '/metrics' }));
}

/** Reads the text format, without comments and time stamps, which kube-apiserver does not write. */
export function parseSamples(body: string): Sample[] {
  return body.split('\n').flatMap((line) => {
    const [, name, labels = '', value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined) return [];
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
    return [
      {
        name,
        labels: Object.fromEntries(pairs.map(([, label = '', text = '']) => [label, text])),
        value: Number(value),
      },
    ];
  });
}

/** The sum of the samples called `name` that have all of `labels`. */
export function sumSamples(
  samples: readonly Sample[],
  name: string,
  labels: Readonly<Record<string, string>>,
): number {
  return samples
    .filter((sample) => sample.name === name)
    .filter((sample) => Object.entries(labels).every(([key, text]) => sample.labels[key] === text))
    .reduce((total, { value }) => total + value, 0);
}

/** The largest distance of a count from the mean, in percent of the mean. Infinite for no counts. */
export function largestDeviationPercent(counts: readonly number[]): number {
  const mean = counts.reduce((total, count) => total + count, 0) / counts.length;
  if (!(mean > 0)) return Number.POSITIVE_INFINITY;
  return Math.max(...counts.map((count) => (Math.abs(count - mean) / mean) * 100));
}
