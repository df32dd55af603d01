// The report of one arm: what was measured, without a comparison.
import { type NamedRun, problemsOfRun } from '../gate/arms.ts';
import { medianOf } from '../gate/shift.ts';
import { least, most } from './axis.ts';
import { escapeMarkup, showValue } from './format.ts';
import { formatHtmlTable, formatPage, type TableCell } from './page.ts';
import { runSections } from './run-sections.ts';

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
    remarks: problems.map((problem) => `Invalid: ${problem}`),
    sections: [
      { title: 'Metrics', body: metricTable(runs) },
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
  return `${count}, valid, and every objective was met.`;
}

function metricTable(runs: readonly NamedRun[]): string {
  const lines = runs.flatMap(({ result }) => result.metrics);
  return formatHtmlTable(
    ['metric', 'median', 'lowest', 'highest', 'runs'],
    unique(lines.map(({ name }) => name)).map((name): TableCell[] => {
      const own = lines.filter((line) => line.name === name);
      const values = own.map(({ value }) => value);
      const unit = own[0]?.unit ?? '1';
      const figures = [medianOf(values), least(values), most(values)];
      return [
        { html: escapeMarkup(name) },
        ...figures.map((value) => ({ html: showValue(value, unit), number: true })),
        { html: `${values.length}`, number: true },
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
        { html: escapeMarkup(run.name) },
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
