// The report of one arm: what was measured, without a comparison.
import { basename } from 'node:path';
import { type NamedRun, problemsOfRun } from '../gate/arms.ts';
import { medianOf } from '../gate/shift.ts';
import type { MetricLine } from '../result.ts';
import { least, most } from './axis.ts';
import { escapeMarkup, showValue } from './format.ts';
import { formatHtmlTable, formatPage, type Section, type TableCell } from './page.ts';
import { describeFaults, runSections } from './run-sections.ts';

/** One HTML document. */
export function formatRuns(runs: readonly NamedRun[]): string {
  const problems = runs.flatMap(problemsOfRun);
  const missed = runs
    .flatMap(({ result }) => result.objectives)
    .filter(({ met }) => !met)
    .map(({ name }) => name);
  const suites = unique(runs.map(({ result: { run } }) => `${run.suite} on ${run.target}`));
  return formatPage({
    title: `Load test: ${suites.join(', ')}`,
    tone: problems.length > 0 ? 'unsure' : missed.length > 0 ? 'bad' : 'good',
    sentence: sentenceOf(runs, problems, unique(missed)),
    remarks: [...problems.map((problem) => `Invalid: ${problem}`), ...describeFaults(runs)],
    sections: [
      metricSection(runs),
      { title: 'Objectives', body: objectiveTable(runs) },
      ...runSections([{ name: '', color: 'a', runs }]),
    ],
  });
}

function sentenceOf(
  runs: readonly NamedRun[],
  problems: readonly string[],
  missed: readonly string[],
): string {
  const count = `${runs.length} ${runs.length === 1 ? 'run' : 'runs'}`;
  if (problems.length > 0) return `Invalid: not all of ${count} say something about the cluster.`;
  if (missed.length > 0) return `Objective failed: ${missed.join(', ')}.`;
  const faults = unique(runs.flatMap(({ result }) => result.faults.map(({ name }) => name)));
  const through = faults.length === 0 ? '' : ` through ${faults.join(', ')}`;
  return `${count}${through}, valid, and every objective was met${worstOf(runs)}.`;
}

/** What the reader asks next: how slow it was, and whether anything failed. */
function worstOf(runs: readonly NamedRun[]): string {
  const lines = runs.flatMap(({ result }) => result.metrics);
  const [slowest] = lines
    .filter(({ name }) => name.startsWith('latency_p99{'))
    .sort((a, b) => b.value - a.value);
  const errors = lines.filter(({ name }) => name.startsWith('errors{'));
  if (slowest === undefined || errors.length === 0) return '';
  const count = (failedOnly: boolean): number =>
    errors.reduce((sum, { value, observations = 0 }) => {
      return sum + Math.round(failedOnly ? value * observations : observations);
    }, 0);
  const series = slowest.name.slice('latency_p99{'.length, -1);
  const p99 = showValue(slowest.value, slowest.unit);
  return `: p99 at most ${p99} (${series}), ${count(true)} of ${count(false)} requests failed`;
}

function metricSection(runs: readonly NamedRun[]): Section {
  const lines = runs.flatMap(({ result }) => result.metrics);
  const metrics = unique(lines.map(({ name }) => name)).map((name) => {
    return { name, own: lines.filter((line) => line.name === name) };
  });
  const silent = metrics.filter(({ own }) => own.every(({ value }) => value === 0));
  const names = silent.map(({ name }) => name).join(', ');
  const note = names === '' ? '' : `<p class="hint">0 in every run: ${escapeMarkup(names)}.</p>`;
  const shown = metrics.filter((metric) => !silent.includes(metric));
  return { title: 'Metrics', body: metricTable(shown, runs.length > 1) + note };
}

interface Measured {
  readonly name: string;
  readonly own: readonly MetricLine[];
}

/** Of one run there is one value, and no lowest of several. */
function metricTable(metrics: readonly Measured[], several: boolean): string {
  return formatHtmlTable(
    ['metric', ...(several ? ['median', 'lowest', 'highest', 'runs'] : ['value'])],
    metrics.map(({ name, own }): TableCell[] => {
      const values = own.map(({ value }) => value);
      const unit = own[0]?.unit ?? '1';
      const figures = [medianOf(values), ...(several ? [least(values), most(values)] : [])];
      return [
        { html: escapeMarkup(name) },
        ...figures.map((value) => ({ html: showValue(value, unit), number: true })),
        ...(several ? [{ html: `${values.length}`, number: true }] : []),
      ];
    }),
  );
}

function objectiveTable(runs: readonly NamedRun[]): string {
  return formatHtmlTable(
    ['objective', 'run', 'limit', 'value', 'verdict'],
    runs.flatMap((run) =>
      run.result.objectives.map(({ name, limit, value, unit, met }): TableCell[] => [
        { html: escapeMarkup(name) },
        { html: escapeMarkup(basename(run.name)) },
        { html: showValue(limit, unit), number: true },
        { html: showValue(value, unit), number: true },
        { html: `<strong class="${met ? 'good' : 'bad'}">${met ? 'met' : 'MISSED'}</strong>` },
      ]),
    ),
  );
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
