// The lines of a result that come from the servers' own figures.
import { SCRAPED_COMPONENTS, type ScrapedComponent } from '../local/site.ts';
import type { MetricLine, WindowLine } from '../result.ts';
import {
  COUNTERS,
  type CounterFamily,
  CPU,
  DB_SIZE,
  EVENT_SIZES,
  HISTOGRAMS,
  type HistogramFamily,
  PUTS,
  REQUESTS,
  RSS,
  SLI,
} from './families.ts';
import type { Increases } from './increases.ts';
import type { Scraper, Stretch } from './scraper.ts';
import { isOfSeries, parseSeries } from './series.ts';

/** What the load did between the first round and the last. */
export interface ServedLoad {
  readonly requests: number;
  /** Names of the series that it consists of. */
  readonly series: readonly string[];
}

type Scraped = Pick<Scraper, 'grown' | 'peak' | 'processes'>;

export function serverMetrics(scraped: Scraped, load: ServedLoad): MetricLine[] {
  const apiserver = scraped.grown('kube-apiserver');
  const etcd = scraped.grown('etcd');
  return [
    ...SCRAPED_COMPONENTS.flatMap((component) => processMetrics(component, scraped, load)),
    ...(apiserver === undefined ? [] : requestMetrics(apiserver, load)),
    ...HISTOGRAMS.flatMap((row) => percentiles(row, scraped.grown(row.component))),
    ...COUNTERS.flatMap((row) => counts(row, scraped)),
    ...(etcd === undefined ? [] : storeMetrics(etcd, scraped, load)),
  ];
}

function counts(
  { component, metric, family, only, critical, seenByAll }: CounterFamily,
  scraped: Scraped,
): MetricLine[] {
  const grown = scraped.grown(component);
  if (grown === undefined) return [];
  // A series that has not begun yet counts as zero: nothing of the kind has happened.
  const sum = grown.sum(family, (labels) => only === undefined || labels[only[0]] === only[1]);
  const value = seenByAll === true ? sum / Math.max(1, scraped.processes(component)) : sum;
  const figure = line(`${metric}{${component}}`, value, '1');
  return [critical === true ? { ...figure, critical } : figure];
}

function processMetrics(
  component: ScrapedComponent,
  scraped: Scraped,
  { requests }: ServedLoad,
): MetricLine[] {
  const grown = scraped.grown(component);
  const rss = scraped.peak(component, RSS);
  if (grown === undefined || rss === undefined) return [];
  const cpu = `cpu_seconds_per_1000_requests{${component}}`;
  return [
    ...perRequest(cpu, 1000 * grown.sum(CPU), 's', requests),
    line(`rss_peak{${component}}`, rss, 'bytes'),
  ];
}

function requestMetrics(apiserver: Increases, { series }: ServedLoad): MetricLine[] {
  const watched = apiserver.sum(`${EVENT_SIZES}_count`);
  // Not health checks, which answer 500 as they should when a server goes.
  const answered = (pattern: RegExp): number =>
    apiserver.sum(REQUESTS, ({ code = '', resource }) => resource !== '' && pattern.test(code));
  const answers = answered(/./);
  const share = (pattern: RegExp): number => (answers === 0 ? 0 : answered(pattern) / answers);
  return [
    ...series.flatMap((name) => {
      const parsed = parseSeries(name);
      if (parsed === undefined) return [];
      const accept = (labels: Readonly<Record<string, string>>): boolean =>
        isOfSeries(parsed, labels);
      const observations = apiserver.sum(`${SLI}_count`, accept);
      if (observations === 0) return [];
      // Not a percentile: the first bucket ends at 50 ms, and what is made up inside of it tells
      // nothing.
      const meanMs = (1000 * apiserver.sum(`${SLI}_sum`, accept)) / observations;
      return [{ ...line(`server_latency_mean{${name}}`, meanMs, 'ms'), observations }];
    }),
    { ...line('server_errors{kube-apiserver}', share(/^5/), 'ratio'), observations: answers },
    { ...line('server_rejected{kube-apiserver}', share(/^429$/), 'ratio'), observations: answers },
    ...(watched === 0
      ? []
      : [
          {
            ...line(
              'watch_event_bytes{kube-apiserver}',
              apiserver.sum(`${EVENT_SIZES}_sum`) / watched,
              'bytes',
            ),
            observations: watched,
          },
        ]),
  ];
}

function storeMetrics(etcd: Increases, scraped: Scraped, { requests }: ServedLoad): MetricLine[] {
  const size = scraped.peak('etcd', DB_SIZE);
  const members = Math.max(1, scraped.processes('etcd'));
  return [
    // Every member applies every put.
    ...perRequest('puts_per_request{etcd}', etcd.sum(PUTS) / members, '1', requests),
    ...(size === undefined ? [] : [line('db_size{etcd}', size / members, 'bytes')]),
  ];
}

function percentiles(row: HistogramFamily, grown: Increases | undefined): MetricLine[] {
  if (grown === undefined) return [];
  const { component, metric, family, label } = row;
  const values = label === undefined ? [undefined] : grown.values(`${family}_bucket`, label);
  return values.flatMap((value) => {
    const histogram = grown.histogram(
      family,
      (labels) => label === undefined || labels[label] === value,
    );
    if (histogram.count === 0) return [];
    const name = `${metric}{${value === undefined ? component : `${component} ${value}`}}`;
    const ms = 1000 * histogram.quantile(0.99);
    return [{ ...line(name, ms, 'ms'), observations: histogram.count }];
  });
}

function perRequest(
  name: string,
  sum: number,
  unit: MetricLine['unit'],
  requests: number,
): MetricLine[] {
  if (requests === 0) return [];
  return [{ ...line(name, sum / requests, unit), observations: requests }];
}

function line(name: string, value: number, unit: MetricLine['unit']): MetricLine {
  return { type: 'metric', name, value, unit, better: 'lower' };
}

/** The servers' time lines of the load's own series. */
export function serverWindows(
  stretches: readonly Stretch[],
  series: readonly string[],
): WindowLine[] {
  return series.flatMap((name) => {
    const parsed = parseSeries(name);
    if (parsed === undefined) return [];
    return stretches.flatMap(({ fromMs, toMs, apiserver }) => {
      const latency = apiserver.histogram(SLI, (labels) => isOfSeries(parsed, labels));
      if (latency.count === 0) return [];
      const errors = apiserver.sum(
        REQUESTS,
        (labels) => isOfSeries(parsed, labels) && /^5/.test(labels.code ?? ''),
      );
      return [
        {
          type: 'window' as const,
          series: `${name} in the servers`,
          atMs: fromMs,
          lengthMs: toMs - fromMs,
          count: latency.count,
          errors,
          p50Ms: 1000 * latency.quantile(0.5),
          p99Ms: 1000 * latency.quantile(0.99),
          maxMs: 1000 * latency.quantile(1),
        },
      ];
    });
  });
}
