import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Arms, NamedRun } from '../../../../loadtests/gate/arms.ts';
import { syntheticArms } from '../../../../loadtests/gate/synthetic-arms.ts';
import { LatencyHistogram } from '../../../../loadtests/histogram.ts';
import {
  formatResultLine,
  type MetricLine,
  type RunResult,
  type Validity,
  type WindowLine,
} from '../../../../loadtests/result.ts';

/** Both arms with all that a report can show. */
export function richArms(series = 'watch event pods'): Arms {
  const { baseline, candidate } = syntheticArms({
    seed: 4,
    pairs: 6,
    factors: { 'latency_p99{GET pods resource}': 1.4, recover_time: 0.6 },
  });
  return {
    baseline: baseline.map((run) => enrich(run, series, 1)),
    candidate: candidate.map((run) => enrich(run, series, 1.3)),
  };
}

function enrich({ name, result }: NamedRun, series: string, factor: number): NamedRun {
  const names = [series, 'GET pods resource'];
  const windows = names.flatMap((own) => windowsOf(own, factor));
  const histogram = new LatencyHistogram();
  for (let index = 1; index <= 2000; index += 1) histogram.record((factor * 4e6) / index);
  return {
    name,
    result: {
      ...result,
      run: {
        ...result.run,
        environment: {
          ...result.run.environment,
          versions: { etcd: factor === 1 ? '3.5.33' : '3.6.14', k6: '1.8.1' },
        },
      },
      windows,
      faults: [{ type: 'fault', name: 'replica-kill', atMs: 20_000, endMs: 26_000 }],
      distributions: names.map((own) => ({
        type: 'distribution',
        series: own,
        histogram: histogram.encode(),
      })),
      objectives: [
        {
          type: 'objective',
          name: `${series}: p99 at most 1 s`,
          limit: 1000,
          value: 300,
          unit: 'ms',
          met: true,
        },
      ],
    },
  };
}

function windowsOf(series: string, factor: number): WindowLine[] {
  return Array.from({ length: 30 }, (_, index) => {
    const gap = index === 11;
    const slow = index >= 10 && index <= 14 ? 12 : 1;
    return {
      type: 'window',
      series,
      atMs: index * 2000,
      lengthMs: 2000,
      count: gap ? 0 : 200,
      errors: 0,
      p50Ms: 20 * factor,
      p99Ms: (60 + 9 * (index % 3)) * factor * slow,
      maxMs: gap ? 0 : (90 + 20 * (index % 4)) * factor * slow,
    };
  });
}

/** The runs of an arm, each changed. */
export function withRuns(
  runs: readonly NamedRun[],
  change: (result: RunResult, index: number) => RunResult,
): NamedRun[] {
  return runs.map(({ name, result }, index) => ({ name, result: change(result, index) }));
}

export function addMetric(result: RunResult, metric: Omit<MetricLine, 'type'>): RunResult {
  return { ...result, metrics: [...result.metrics, { type: 'metric', ...metric }] };
}

export function withValidity(result: RunResult, validity: Partial<Validity>): RunResult {
  if (result.end === undefined) return result;
  return { ...result, end: { ...result.end, validity: { ...result.end.validity, ...validity } } };
}

export function textOf({ run, phases, faults, windows, ...rest }: RunResult): string {
  const { distributions, metrics, objectives, end } = rest;
  const lines = [
    run,
    ...phases,
    ...faults,
    ...windows,
    ...distributions,
    ...metrics,
    ...objectives,
  ];
  return [...lines, ...(end === undefined ? [] : [end])].map(formatResultLine).join('');
}

/** Each arm in a folder of its own. */
export async function writeArms(directory: string, arms: Arms): Promise<[string, string]> {
  const folders: [string, string] = [join(directory, 'baseline'), join(directory, 'candidate')];
  for (const [index, runs] of [arms.baseline, arms.candidate].entries()) {
    const folder = folders[index] ?? directory;
    await mkdir(folder, { recursive: true });
    for (const run of runs) await writeFile(join(folder, run.name), textOf(run.result));
  }
  return folders;
}
