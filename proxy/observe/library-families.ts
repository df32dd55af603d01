import type { SampleFamily } from './exposition.ts';

/** One family as prom-client gives it for another process. */
interface LibraryFamily {
  readonly name: string;
  readonly help: string;
  readonly type: unknown;
  readonly values: readonly {
    readonly metricName?: string;
    readonly labels: Readonly<Record<string, string | number>>;
    readonly value: number;
  }[];
}

/** prom-client's own text is not used: it forgets the names of counters after OpenMetrics. */
export function familiesOf(metrics: readonly object[]): SampleFamily[] {
  return (metrics as readonly LibraryFamily[]).map(({ name, help, type, values }) => ({
    name,
    help,
    type: String(type),
    samples: values.map(({ metricName = name, labels, value }) => ({
      name: metricName,
      labels: Object.entries(labels).map(([label, text]) => [label, String(text)] as const),
      value,
    })),
  }));
}
