// The report of a gate: two arms, and what came of them.
import type { Arms, NamedRun } from '../gate/arms.ts';
import { isSilent, type MetricVerdict } from '../gate/metric-verdict.ts';
import type { GateVerdict, ObjectiveVerdict, Outcome } from '../gate/verdict.ts';
import { drawInterval, percentOf, rangeOf, toneOf } from './charts.ts';
import { escapeMarkup, showValue } from './format.ts';
import { formatHtmlTable, formatPage, type Section, type TableCell, type Tone } from './page.ts';
import { describeFaults, runSections } from './run-sections.ts';

const TONE: Readonly<Record<Outcome, Tone>> = {
  pass: 'good',
  regression: 'bad',
  objectiveFailed: 'bad',
  invalid: 'unsure',
  inconclusive: 'unsure',
};

/** One HTML document. */
export function formatComparison(arms: Arms, verdict: GateVerdict): string {
  const { baseline, candidate } = arms;
  const first = baseline[0]?.result.run;
  const suite = first === undefined ? '' : `${first.suite}, ${first.profile}, ${first.nodes} nodes`;
  return formatPage({
    title: `Load gate: ${targetOf(baseline)} and ${targetOf(candidate)}`,
    tone: TONE[verdict.outcome],
    sentence: verdict.sentence,
    remarks: [
      `${suite}; ${baseline.length} runs of the baseline, ${candidate.length} of the candidate, in the order ${verdict.order}.`,
      ...verdict.problems.map((problem) => `Invalid: ${problem}`),
      ...verdict.warnings.map((warning) => `Warning: ${warning}`),
      ...describeFaults(candidate.slice(0, 1)),
    ],
    sections: [
      metricSection(verdict),
      { title: 'Objectives', body: objectiveTable(verdict.objectives) },
      ...runSections([
        { name: 'baseline', color: 'a', runs: baseline },
        { name: 'candidate', color: 'b', runs: candidate },
      ]),
    ],
  });
}

const ORDER = ['REGRESSED', 'INCONCLUSIVE', 'IMPROVED', 'SAME'] as const;

function metricSection({ metrics, leftOut, limits }: GateVerdict): Section {
  const range = rangeOf(metrics);
  const silent = metrics.filter((metric) => isSilent(metric) && metric.finding === 'SAME');
  const sorted = ORDER.flatMap((finding) =>
    metrics.filter((metric) => metric.finding === finding && !silent.includes(metric)),
  );
  const table = formatHtmlTable(
    ['metric', 'baseline', 'candidate', 'change', '95 % interval', 'p (Holm)', 'finding'],
    sorted.map((metric) => metricCells(metric, range)),
  );
  const out = leftOut.map(({ name, reason }) => `${name} (${reason})`).join('; ');
  const notes = [
    ['Left out', out],
    ['0 in every run', silent.map(({ name }) => name).join(', ')],
  ].flatMap(([what, text]) =>
    text ? [`<p class="hint">${what}: ${escapeMarkup(text)}.</p>`] : [],
  );
  const widths = [limits.tolerance, limits.tightTolerance].map((share) => `${100 * share} %`);
  return {
    title: 'Metrics',
    hint: `Candidate over baseline. The green band is what is tolerated: ${widths[0]}, for throughput and processor time ${widths[1]}.`,
    body: table + notes.join(''),
  };
}

function metricCells(metric: MetricVerdict, range: readonly [number, number]): TableCell[] {
  const { name, unit, critical, finding, reason, ratio, adjustedP } = metric;
  const change = ratio === undefined ? showValue(metric.shift, unit) : percentOf(ratio.estimate);
  const p = adjustedP < 0.0001 ? '&lt; 0.0001' : adjustedP.toFixed(4);
  return [
    { html: `${escapeMarkup(name)}${critical ? '<small>critical</small>' : ''}` },
    { html: showValue(metric.baselineMedian, unit), number: true },
    { html: showValue(metric.candidateMedian, unit), number: true },
    { html: change, number: true },
    { html: drawInterval(metric, range) || 'no ratio: a value is 0' },
    { html: p, number: true },
    {
      html: `<strong class="${toneOf(metric)}">${finding}</strong><small>${escapeMarkup(reason)}</small>`,
    },
  ];
}

function objectiveTable(objectives: readonly ObjectiveVerdict[]): string {
  return formatHtmlTable(
    ['objective', 'limit', 'worst', 'runs that missed it', 'of the baseline', 'verdict'],
    objectives.map((objective) => {
      const { name, unit, limit, worst, met, missedRuns, runs, baselineMissedRuns } = objective;
      return [
        { html: escapeMarkup(name) },
        { html: showValue(limit, unit), number: true },
        { html: showValue(worst, unit), number: true },
        { html: `${missedRuns} of ${runs}`, number: true },
        { html: `${baselineMissedRuns}`, number: true },
        { html: `<strong class="${met ? 'good' : 'bad'}">${met ? 'met' : 'MISSED'}</strong>` },
      ];
    }),
  );
}

function targetOf(runs: readonly NamedRun[]): string {
  return [...new Set(runs.map(({ result }) => result.run.target))].join(', ');
}
