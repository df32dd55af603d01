// What the gate itself is worth: how often it alarms where nothing changed, and how much it sees.
import type { Arms } from './arms.ts';
import { fewestRuns } from './power.ts';
import { RECORDED_SERIES } from './recorded-arms.ts';
import { SYNTHETIC_METRICS, syntheticArms } from './synthetic-arms.ts';
import { type GateVerdict, judge, type Outcome } from './verdict.ts';

export interface TrialPlan {
  readonly trials: number;
  readonly pairs: number;
  /** What the candidate's one metric is multiplied by; 1 compares a target with itself. */
  readonly factor: number;
  /** Of a run around its mean. */
  readonly spread?: number;
  readonly seed?: number;
}

export interface TrialCounts {
  readonly trials: number;
  /** Where the metric that was made slower is called REGRESSED. */
  readonly found: number;
  /** Where any other metric is. */
  readonly falseAlarms: number;
  readonly outcomes: Readonly<Record<Outcome, number>>;
}

/** The one that trials make slower. */
export const SLOWED_METRIC = 'latency_p99{GET pods resource}';

export function runTrials({ trials, pairs, factor, spread, seed = 1 }: TrialPlan): TrialCounts {
  const outcomes = { pass: 0, regression: 0, objectiveFailed: 0, invalid: 0, inconclusive: 0 };
  let found = 0;
  let falseAlarms = 0;
  for (let trial = 0; trial < trials; trial += 1) {
    const verdict = judge(
      syntheticArms({
        // Apart for each plan, or the same noise would be looked at again and again.
        seed: seed * 100_003 + trial,
        pairs,
        factors: { [SLOWED_METRIC]: factor },
        ...(spread !== undefined && { spread }),
      }),
    );
    outcomes[verdict.outcome] += 1;
    const regressed = namesOfRegressed(verdict);
    if (factor !== 1 && regressed.includes(SLOWED_METRIC)) found += 1;
    if (regressed.some((name) => factor === 1 || name !== SLOWED_METRIC)) falseAlarms += 1;
  }
  return { trials, found, falseAlarms, outcomes };
}

/** The same over runs that were real, of which the verb RECORDED_SERIES is slower or is not. */
export function runRecordedTrials(
  trials: number,
  drawArms: (seed: number) => Arms,
  isRight = (name: string): boolean => name.endsWith(`{${RECORDED_SERIES}}`),
): TrialCounts {
  const outcomes = { pass: 0, regression: 0, objectiveFailed: 0, invalid: 0, inconclusive: 0 };
  let found = 0;
  let falseAlarms = 0;
  for (let trial = 0; trial < trials; trial += 1) {
    const verdict = judge(drawArms(trial + 1));
    outcomes[verdict.outcome] += 1;
    const regressed = namesOfRegressed(verdict);
    const right = regressed.filter(isRight);
    if (verdict.outcome === 'regression' && right.length > 0) found += 1;
    if (regressed.length > right.length) falseAlarms += 1;
  }
  return { trials, found, falseAlarms, outcomes };
}

function namesOfRegressed({ metrics }: GateVerdict): string[] {
  return metrics.filter(({ finding }) => finding === 'REGRESSED').map(({ name }) => name);
}

const FACTORS = [1, 1.03, 1.1, 1.15, 1.2, 1.3, 1.5] as const;
const PAIRS = [5, 8, 10, 15] as const;
const SPREADS = [0.03, 0.06] as const;

interface PowerCell {
  readonly spread: number;
  readonly pairs: number;
  readonly factor: (typeof FACTORS)[number];
}

/** How often the slower metric is found, or, where none is slower, how often any is called so. */
export function powerFigure(trials: number, { spread, pairs, factor }: PowerCell): string {
  const seed = 10 * pairs + FACTORS.indexOf(factor);
  const { found, falseAlarms } = runTrials({ trials, pairs, factor, spread, seed });
  return `${Math.round((100 * (factor === 1 ? falseAlarms : found)) / trials)} %`;
}

/** A table of how often a slower metric is called a regression, as Markdown. */
export function formatPowerCurve(trials: number): string {
  const titles = ['spread of runs', 'pairs', ...FACTORS.map(titleOf)];
  const rows = SPREADS.flatMap((spread) =>
    PAIRS.map((pairs) => [
      `${100 * spread} %`,
      `${pairs}`,
      ...FACTORS.map((factor) => powerFigure(trials, { spread, pairs, factor })),
    ]),
  );
  const count = Object.keys(SYNTHETIC_METRICS).length;
  const note = `${trials} comparisons for each figure, ${count} metrics in each; fewer than ${fewestRuns(count, 0.05)} pairs cannot show anything.`;
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(titles), line(titles.map(() => '---')), ...rows.map(line), '', note].join('\n');
}

function titleOf(factor: number): string {
  return factor === 1 ? 'nothing changed' : `+${Math.round(100 * (factor - 1))} %`;
}
