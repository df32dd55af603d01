// Samples in, one line out. Pure.
import { formatTable, type TableColumn } from '../tools/text-table.ts';
import type { NotRun } from './benchmark.ts';
import { median, spreadPercent } from './statistics.ts';
import type { Sample } from './subject.ts';

/** Medians over the samples of one subject, which are kept beside them. */
export interface Summary {
  readonly subject: string;
  readonly requestsPerSecond: number;
  /** (largest - smallest) / median of the samples' requests per second. */
  readonly spreadPercent: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the door's process; absent where there is none. */
  readonly cpuMicrosPerRequest?: number;
  /** As `spreadPercent`, of `cpuMicrosPerRequest`. */
  readonly cpuSpreadPercent?: number;
  readonly errors: number;
  readonly samples: readonly Sample[];
}

export function summarize(subject: {
  readonly name: string;
  readonly samples: readonly Sample[];
}): Summary {
  const { name, samples } = subject;
  const cpu = samples.flatMap(({ cpuMicrosPerRequest }) => cpuMicrosPerRequest ?? []);
  const rates = samples.map(({ requestsPerSecond }) => requestsPerSecond);
  return {
    subject: name,
    requestsPerSecond: median(rates),
    spreadPercent: spreadPercent(rates),
    p50Ms: median(samples.map(({ p50Ms }) => p50Ms)),
    p99Ms: median(samples.map(({ p99Ms }) => p99Ms)),
    ...(cpu.length === 0
      ? {}
      : { cpuMicrosPerRequest: median(cpu), cpuSpreadPercent: spreadPercent(cpu) }),
    errors: samples.reduce((total, { errors }) => total + errors, 0),
    samples,
  };
}

const NUMBERS = ['requests/s', 'spread %', 'p50 ms', 'p99 ms', 'door CPU us/request', 'errors'];
const COLUMNS: readonly TableColumn[] = [
  { title: 'subject' },
  ...NUMBERS.map((title) => ({ title, align: 'right' as const })),
  { title: 'samples', align: 'right' },
];

/** Medians; the samples themselves are in the JSON. */
export function resultTable(summaries: readonly Summary[], notRun: readonly NotRun[]): string[] {
  const rows = summaries.map((summary) => [
    summary.subject,
    summary.requestsPerSecond.toFixed(0),
    summary.spreadPercent.toFixed(1),
    summary.p50Ms.toFixed(2),
    summary.p99Ms.toFixed(2),
    summary.cpuMicrosPerRequest?.toFixed(1) ?? '-',
    `${summary.errors}`,
    `${summary.samples.length}`,
  ]);
  const lines = formatTable(COLUMNS, rows);
  return [...lines, ...notRun.map(({ name, reason }) => `${name}: not run: ${reason}`)];
}
