import { expect, test } from 'vitest';
import { LatencyHistogram } from '../../../loadtests/histogram.ts';
import type { ScrapeTarget } from '../../../loadtests/local/site.ts';
import { judgeObjectives } from '../../../loadtests/scrape/objectives.ts';
import { Scraper } from '../../../loadtests/scrape/scraper.ts';
import { serverMetrics, serverWindows } from '../../../loadtests/scrape/server-metrics.ts';

const SERIES = 'PUT nodes/status resource';
const LABELS = 'resource="nodes",scope="resource",subresource="status",verb="PUT"';

interface Figures {
  readonly count: number;
  readonly cpu: number;
  readonly rss?: number;
  readonly startedAt?: number;
  readonly failed?: number;
}

/** All of `count` took between 1 s and 2 s. */
function page({ count, cpu, rss = 1, startedAt = 1, failed = 0 }: Figures): string {
  const sli = 'apiserver_request_sli_duration_seconds';
  return [
    `process_start_time_seconds ${startedAt}`,
    `process_cpu_seconds_total ${cpu}`,
    `process_resident_memory_bytes ${rss}`,
    `${sli}_bucket{${LABELS},le="1"} 0`,
    `${sli}_bucket{${LABELS},le="2"} ${count}`,
    `${sli}_bucket{${LABELS},le="+Inf"} ${count}`,
    `${sli}_sum{${LABELS}} ${1.5 * count}`,
    `${sli}_count{${LABELS}} ${count}`,
    `apiserver_request_total{code="200",${LABELS}} ${count - failed}`,
    `apiserver_request_total{code="500",${LABELS}} ${failed}`,
  ].join('\n');
}

/** A scraper of apiservers that have been asked once for each of `rounds`. */
async function scraped(rounds: readonly (readonly (Figures | undefined)[])[]): Promise<Scraper> {
  let round: readonly (Figures | undefined)[] = [];
  const targets = (rounds[0] ?? []).map((_, index): ScrapeTarget => {
    return { component: 'kube-apiserver', instance: `apiserver-${index}`, url: String(index) };
  });
  const read = async (url: string): Promise<string> => {
    const figures = round[Number(url)];
    if (figures === undefined) throw new Error('refused');
    return page(figures);
  };
  const scraper = new Scraper({ targets, read });
  for (const [index, figures] of rounds.entries()) {
    round = figures;
    await scraper.round(index * 1000);
  }
  return scraper;
}

function figureOf(scraper: Scraper, name: string, requests = 100): number | undefined {
  const lines = serverMetrics(scraper, { requests, series: [SERIES] });
  return lines.find((line) => line.name === name)?.value;
}

test('servers are judged by what they did between the first look and the last', async () => {
  const scraper = await scraped([
    [
      { count: 1000, cpu: 50, rss: 10 },
      { count: 0, cpu: 1, rss: 10 },
    ],
    [
      { count: 1000, cpu: 50, rss: 30 },
      { count: 0, cpu: 1, rss: 20 },
    ],
    [
      { count: 1080, cpu: 51, rss: 10 },
      { count: 20, cpu: 2, rss: 10, failed: 5 },
    ],
  ]);
  expect(scraper.troubles).toEqual([]);
  expect(figureOf(scraper, 'cpu_seconds_per_1000_requests{kube-apiserver}')).toBe(20);
  expect(figureOf(scraper, 'rss_peak{kube-apiserver}')).toBe(50);
  expect(figureOf(scraper, `server_latency_mean{${SERIES}}`)).toBe(1500);
  expect(figureOf(scraper, 'server_errors{kube-apiserver}')).toBe(0.05);
  expect(figureOf(scraper, 'watchers_terminated{kube-apiserver}')).toBe(0);
  expect(serverWindows(scraper.stretches, [SERIES])).toMatchObject([
    { atMs: 1000, lengthMs: 1000, count: 100, errors: 5, p50Ms: 1500 },
  ]);
});

test('an objective is missed in the servers even where the client saw it met', async () => {
  const scraper = await scraped([[{ count: 0, cpu: 0 }], [{ count: 100, cpu: 0 }]]);
  const latency = new LatencyHistogram();
  latency.record(10_000);
  const measured = new Map([
    [SERIES, latency],
    ['LIST pods cluster', latency],
    ['GET pods/log resource', latency],
    ['Txn put', latency],
  ]);
  const lines = judgeObjectives(measured, scraper.grown('kube-apiserver'));
  expect(lines.map(({ name, met }) => [name, met])).toEqual([
    [`${SERIES}: p99 at most 1 s`, true],
    [`${SERIES} in the servers: p99 at most 1 s`, false],
    ['LIST pods cluster: p99 at most 30 s', true],
  ]);
});

test('a server that was replaced counts from zero, and one that is away is named', async () => {
  const later = Date.now() / 1000 + 10;
  const scraper = await scraped([
    [{ count: 1000, cpu: 50 }],
    [undefined],
    [{ count: 40, cpu: 2, startedAt: later }],
  ]);
  expect(figureOf(scraper, 'cpu_seconds_per_1000_requests{kube-apiserver}')).toBe(20);
  expect(scraper.troubles).toEqual(['apiserver-0: /metrics: refused']);
});

test('an address of several servers gives no figures, and says what to do', async () => {
  const scraper = await scraped([
    [{ count: 1000, cpu: 50, startedAt: 100 }],
    [{ count: 5000, cpu: 90, startedAt: 200 }],
    [{ count: 1010, cpu: 51, startedAt: 100 }],
  ]);
  expect(scraper.grown('kube-apiserver')).toBeUndefined();
  expect(serverMetrics(scraper, { requests: 1, series: [SERIES] })).toEqual([]);
  expect(scraper.troubles).toEqual(['0 leads to several servers: name each with --scrape']);
});
