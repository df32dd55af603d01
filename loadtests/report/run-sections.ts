// The parts of a report that show runs, of one arm or of two.
import { basename } from 'node:path';
import type { NamedRun } from '../gate/arms.ts';
import { LatencyHistogram } from '../histogram.ts';
import {
  type Color,
  type Distribution,
  drawDistribution,
  drawTimeLine,
  drawWatchGaps,
  type TimeLine,
} from './charts.ts';
import { escapeMarkup, showMs } from './format.ts';
import { formatFigure, formatFigures, formatHtmlTable, type Section } from './page.ts';

/** The runs of one arm, in its colour. */
export interface ReportedArm {
  /** `baseline`, `candidate`, or nothing where there is one arm. */
  readonly name: string;
  readonly color: Color;
  readonly runs: readonly NamedRun[];
}

// A time line of twenty runs above one another is a brush stroke.
const MAX_RUNS_DRAWN = 3;
const IN_THE_SERVERS = / in the servers$/;
const WATCH_SERIES = /^watch\b/i;

export function runSections(arms: readonly ReportedArm[]): Section[] {
  const measured = measuredSeries(arms);
  const series = unique(
    runsOf(arms).flatMap((run) => run.result.windows.map((line) => line.series)),
  ).filter((name) => measured.has(name.replace(IN_THE_SERVERS, '')));
  const watches = series.filter((name) => WATCH_SERIES.test(name));
  const key = arms.length > 1 ? ' Blue is the baseline, orange the candidate.' : '';
  return [
    {
      title: 'Over time',
      hint: `The 99th percentile of each window of the first ${MAX_RUNS_DRAWN} runs; red: a fault; grey: warm-up, which does not count.${key}`,
      body: formatFigures(
        series.map((name) => formatFigure(name, drawTimeLine(timeLinesOf(arms, name)))),
      ),
    },
    {
      title: 'Gaps of watches',
      hint: `The longest time to an event in each window; red below the line: no event came.${key}`,
      body: formatFigures(
        watches.map((name) => formatFigure(name, drawWatchGaps(timeLinesOf(arms, name)))),
      ),
    },
    {
      title: 'Distributions',
      hint: `Which share of all took at most how long, over all runs.${key}`,
      body: formatFigures(distributionFigures(arms)),
    },
    { title: 'Environment', body: environmentTable(arms) },
  ];
}

/** Without those of set-up and taking down, which are no load. */
function measuredSeries(arms: readonly ReportedArm[]): Set<string> {
  const results = runsOf(arms).map(({ result }) => result);
  const named = results.flatMap(({ metrics }) => metrics.map(({ name }) => name));
  return new Set([
    ...results.flatMap(({ distributions }) => distributions.map((line) => line.series)),
    ...named.flatMap((name) => /\{(.*)\}$/.exec(name)?.[1] ?? []),
  ]);
}

function timeLinesOf(arms: readonly ReportedArm[], series: string): TimeLine[] {
  return arms.flatMap(({ color, runs }) =>
    runs.slice(0, MAX_RUNS_DRAWN).map(({ result }) => ({
      color,
      windows: result.windows.filter((line) => line.series === series),
      faults: result.faults,
      measureFromMs: result.phases.find(({ name }) => name === 'measure')?.atMs ?? 0,
    })),
  );
}

function distributionFigures(arms: readonly ReportedArm[]): string[] {
  const series = unique(
    runsOf(arms).flatMap((run) => run.result.distributions.map((line) => line.series)),
  );
  return series.map((name) =>
    formatFigure(name, drawDistribution(arms.map((arm) => merged(arm, name)))),
  );
}

function merged({ color, runs }: ReportedArm, series: string): Distribution {
  const histogram = new LatencyHistogram();
  for (const { result } of runs) {
    for (const line of result.distributions) {
      if (line.series === series) histogram.add(LatencyHistogram.decode(line.histogram));
    }
  }
  return { color, histogram };
}

/** What differs first, since it is what the comparison is about, or what spoils it. */
function environmentTable(arms: readonly ReportedArm[]): string {
  const facts = arms.map(({ runs }) => factsOf(runs));
  const names = unique(facts.flatMap((own) => [...own.keys()]));
  const rows = names.map((name) => ({
    name,
    values: facts.map((own) => own.get(name) ?? 'not said'),
  }));
  const differs = ({ values }: { values: readonly string[] }): boolean => unique(values).length > 1;
  const ordered = [...rows.filter(differs), ...rows.filter((row) => !differs(row))];
  return formatHtmlTable(
    ['what', ...arms.map(({ name }) => (name === '' ? 'value' : name))],
    ordered.map((row) => {
      const name = escapeMarkup(row.name);
      return [
        { html: differs(row) ? `<strong class="unsure">${name} (differs)</strong>` : name },
        ...row.values.map((value) => ({ html: escapeMarkup(value) })),
      ];
    }),
    'facts',
  );
}

/** What was done to the cluster meanwhile, and when. */
export function describeFaults(runs: readonly NamedRun[]): string[] {
  return runs.flatMap(({ name, result }) =>
    result.faults.map(({ name: fault, target, atMs, endMs }) => {
      const what = target === undefined ? fault : `${fault} of ${target}`;
      const until = endMs === undefined ? '' : ` until ${showMs(endMs)}`;
      return `Fault: ${what} from ${showMs(atMs)}${until} (${basename(name)}).`;
    }),
  );
}

function factsOf(runs: readonly NamedRun[]): Map<string, string> {
  const facts = new Map<string, Set<string>>();
  const note = (name: string, value: string | number): void => {
    facts.set(name, (facts.get(name) ?? new Set()).add(String(value)));
  };
  for (const { result } of runs) {
    const { suite, profile, nodes, seed, suiteHash, target, environment } = result.run;
    for (const [name, value] of Object.entries({ target, suite, profile, nodes, seed })) {
      note(name, value);
    }
    note('suite hash', suiteHash.slice(0, 16));
    for (const [name, version] of Object.entries(environment.versions)) {
      note(`${name} version`, version);
    }
    for (const [name, flags] of Object.entries(environment.flags)) note(`${name} flags`, flags);
    note('machine', `${environment.cpu}, ${environment.cores} cores, ${environment.memoryMib} MiB`);
    note('kernel', environment.kernel);
  }
  return new Map([...facts].map(([name, values]) => [name, [...values].join(' | ')]));
}

function runsOf(arms: readonly ReportedArm[]): NamedRun[] {
  return arms.flatMap(({ runs }) => runs);
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
