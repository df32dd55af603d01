// The verdict as JUnit XML, which CI systems show: a case for each metric and each objective.
import type { MetricVerdict } from '../gate/metric-verdict.ts';
import type { GateVerdict } from '../gate/verdict.ts';
import { escapeMarkup, showValue } from './format.ts';

interface Case {
  readonly group: 'validity' | 'metric' | 'objective' | 'verdict';
  readonly name: string;
  readonly failure?: string;
  /** What could not be told is neither good nor bad. */
  readonly skipped?: string;
}

export function formatJunit(verdict: GateVerdict): string {
  const cases = casesOf(verdict);
  const failures = cases.filter(({ failure }) => failure !== undefined).length;
  const skipped = cases.filter((one) => one.skipped !== undefined).length;
  const counts = `tests="${cases.length}" failures="${failures}" errors="0" skipped="${skipped}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${counts}>`,
    `  <testsuite name="evenkeel-load gate" ${counts}>`,
    ...cases.map(formatCase),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function casesOf(verdict: GateVerdict): Case[] {
  const { outcome, sentence, problems, metrics, objectives, leftOut } = verdict;
  return [
    // Its failure is what the exit code says, also where no single metric failed.
    { group: 'verdict', name: 'verdict', ...(outcome !== 'pass' && { failure: sentence }) },
    ...problems.map((failure): Case => ({ group: 'validity', name: 'runs', failure })),
    ...metrics.map(caseOfMetric),
    ...leftOut.map(({ name, reason }): Case => ({ group: 'metric', name, skipped: reason })),
    ...objectives.map(
      ({ name, met, worst, limit, unit }): Case => ({
        group: 'objective',
        name,
        ...(!met && { failure: `${showValue(worst, unit)}, limit ${showValue(limit, unit)}` }),
      }),
    ),
  ];
}

function caseOfMetric({ name, finding, reason, ...metric }: MetricVerdict): Case {
  const medians = [metric.baselineMedian, metric.candidateMedian].map((value) =>
    showValue(value, metric.unit),
  );
  const text = `${finding}: ${reason} (medians ${medians.join(' and ')})`;
  if (finding === 'REGRESSED') return { group: 'metric', name, failure: text };
  if (finding === 'INCONCLUSIVE') return { group: 'metric', name, skipped: text };
  return { group: 'metric', name };
}

function formatCase({ group, name, failure, skipped }: Case): string {
  const head = `    <testcase classname="${group}" name="${escapeMarkup(name)}"`;
  if (failure !== undefined) {
    return `${head}><failure message="${escapeMarkup(failure)}"/></testcase>`;
  }
  if (skipped !== undefined) {
    return `${head}><skipped message="${escapeMarkup(skipped)}"/></testcase>`;
  }
  return `${head}/>`;
}
