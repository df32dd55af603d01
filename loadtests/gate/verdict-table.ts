// The verdict for a terminal.
import { formatTable, type TableColumn } from '../../tools/text-table.ts';
import { showValue } from '../report/format.ts';
import type { MetricVerdict } from './metric-verdict.ts';
import type { GateVerdict } from './verdict.ts';

const COLUMNS: readonly TableColumn[] = [
  { title: 'metric' },
  { title: 'baseline', align: 'right' },
  { title: 'candidate', align: 'right' },
  { title: 'ratio', align: 'right' },
  { title: '95 % interval', align: 'right' },
  { title: 'p (Holm)', align: 'right' },
  { title: 'finding' },
];

/** The sentence first, then what it rests on. */
export function formatVerdict(verdict: GateVerdict): string {
  const { sentence, problems, warnings, metrics, objectives, leftOut } = verdict;
  const missed = objectives.filter(({ met }) => !met);
  const lines = [
    sentence,
    ...problems.map((problem) => `  invalid: ${problem}`),
    ...warnings.map((warning) => `  warning: ${warning}`),
    ...missed.map(
      ({ name, worst, limit, unit, missedRuns, runs }) =>
        `  missed: ${name}: ${showValue(worst, unit)}, limit ${showValue(limit, unit)} (${missedRuns} of ${runs} runs)`,
    ),
    ...leftOut.map(({ name, reason }) => `  left out: ${name}: ${reason}`),
  ];
  if (metrics.length > 0) lines.push('', ...formatTable(COLUMNS, metrics.map(cellsOf)));
  return `${lines.join('\n')}\n`;
}

function cellsOf(metric: MetricVerdict): string[] {
  const { name, unit, baselineMedian, candidateMedian, ratio, adjustedP, finding } = metric;
  return [
    metric.critical ? `${name} !` : name,
    showValue(baselineMedian, unit),
    showValue(candidateMedian, unit),
    ratio === undefined ? '-' : ratio.estimate.toFixed(3),
    ratio === undefined ? '-' : `${ratio.low.toFixed(3)} to ${ratio.high.toFixed(3)}`,
    adjustedP < 0.0001 ? '< 0.0001' : adjustedP.toFixed(4),
    finding,
  ];
}
