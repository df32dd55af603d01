// The gate's verdict over two arms, in a fixed order: whether the runs count at all, each metric,
// the objectives, then what it comes to. Pure: the same arms give the same verdict.
import type { ObjectiveLine } from '../result.ts';
import { type Arms, findProblems, findWarnings, orderOf } from './arms.ts';
import { gatherMetrics, type LeftOut } from './gather-metrics.ts';
import { adjustHolm } from './holm.ts';
import {
  compareMetric,
  isSilent,
  judgeMetric,
  type Limits,
  LOCAL_LIMITS,
  type MetricValues,
  type MetricVerdict,
} from './metric-verdict.ts';
import { fewestRuns, MAX_RUNS } from './power.ts';

/** What the `gate` command ends with. */
export const GATE_EXIT_CODE = {
  pass: 0,
  regression: 1,
  objectiveFailed: 2,
  invalid: 3,
  inconclusive: 4,
  /** Called wrongly: EX_USAGE of sysexits.h, so that a typo is not taken for a missed objective. */
  usage: 64,
  /** Could not do its work: EX_SOFTWARE, so that a bug is not taken for a regression. */
  failure: 70,
} as const;

export type Outcome = 'pass' | 'regression' | 'objectiveFailed' | 'invalid' | 'inconclusive';

export interface GateLimits extends Limits {
  /** Of the metrics that are not critical, how many must be the same or better. */
  readonly minShare: number;
}

export const DEFAULT_LIMITS: GateLimits = { ...LOCAL_LIMITS, minShare: 0.9 };

export interface ObjectiveVerdict {
  readonly name: string;
  readonly unit: ObjectiveLine['unit'];
  readonly limit: number;
  /** The worst of the candidate's runs. */
  readonly worst: number;
  readonly met: boolean;
  readonly missedRuns: number;
  readonly runs: number;
  /** Of the baseline, for the reader: it changes nothing. */
  readonly baselineMissedRuns: number;
}

export interface GateVerdict {
  readonly outcome: Outcome;
  readonly exitCode: number;
  /** For people, one. */
  readonly sentence: string;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  /** By when the runs began: `ABBA`. */
  readonly order: string;
  readonly metrics: readonly MetricVerdict[];
  /** With why they were not judged. */
  readonly leftOut: readonly LeftOut[];
  readonly objectives: readonly ObjectiveVerdict[];
  /** Of what is not critical and was not 0 in every run, that are the same or better. */
  readonly share: number;
  /** More runs in each arm that would decide; undefined when it is decided, or when none would. */
  readonly moreRuns: number | undefined;
  readonly limits: GateLimits;
}

export function judge(arms: Arms, limits: GateLimits = DEFAULT_LIMITS): GateVerdict {
  const problems = findProblems(arms);
  // What was measured in vain is not shown as if it meant something.
  const { judged, leftOut } =
    problems.length > 0 ? { judged: [], leftOut: [] } : gatherMetrics(arms);
  const metrics = judgeMetrics(judged, limits);
  const objectives = problems.length > 0 ? [] : judgeObjectives(arms);
  const common = metrics.filter(isCounted);
  const good = common.filter(isGood).length;
  const share = common.length === 0 ? 1 : good / common.length;
  const parts = { problems, metrics, leftOut, objectives, share, limits };
  const outcome = outcomeOf(parts);
  const moreRuns = outcome === 'inconclusive' ? countMoreRuns(arms, metrics, limits) : undefined;
  return {
    ...parts,
    outcome,
    exitCode: GATE_EXIT_CODE[outcome],
    sentence: describe(outcome, { ...parts, moreRuns }),
    warnings: findWarnings(arms),
    order: orderOf(arms),
    moreRuns,
  };
}

function judgeMetrics(values: readonly MetricValues[], limits: GateLimits): MetricVerdict[] {
  const compared = values.map(compareMetric);
  const tested = compared.filter((comparison) => !isSilent(comparison.values));
  const adjusted = adjustHolm(tested.map(({ p }) => p));
  return compared.map((comparison) =>
    judgeMetric(comparison, {
      adjustedP: adjusted[tested.indexOf(comparison)] ?? 1,
      metricCount: tested.length,
      limits,
    }),
  );
}

function judgeObjectives({ baseline, candidate }: Arms): ObjectiveVerdict[] {
  const lines = candidate.flatMap(({ result }) => result.objectives);
  const before = baseline.flatMap(({ result }) => result.objectives);
  return [...new Set(lines.map(({ name }) => name))].flatMap((name) => {
    const own = lines.filter((line) => line.name === name);
    const missed = own.filter(({ met }) => !met);
    // Of those that missed where some did: which way is worse, only they know.
    const [worst] = [...(missed.length > 0 ? missed : own)].sort(
      (a, b) => Math.abs(b.value - b.limit) - Math.abs(a.value - a.limit),
    );
    if (worst === undefined) return [];
    const baselineMissedRuns = before.filter((line) => line.name === name && !line.met).length;
    return [
      {
        name,
        unit: worst.unit,
        limit: worst.limit,
        worst: worst.value,
        met: missed.length === 0,
        missedRuns: missed.length,
        runs: own.length,
        baselineMissedRuns,
      },
    ];
  });
}

type Parts = Pick<
  GateVerdict,
  'problems' | 'metrics' | 'leftOut' | 'objectives' | 'share' | 'limits'
>;

function outcomeOf({ problems, metrics, leftOut, objectives, limits }: Parts): Outcome {
  if (problems.length > 0) return 'invalid';
  const shares = sharesOf(metrics);
  // Rounding of 1 - 0.9 must not decide about the tenth of ten.
  const tooMany = shares.some(({ worse }) => worse > 1 - limits.minShare + 1e-9);
  const critical = metrics.filter((metric) => metric.critical);
  if (tooMany || critical.some(({ finding }) => finding === 'REGRESSED')) return 'regression';
  if (objectives.some(({ met }) => !met)) return 'objectiveFailed';
  const undecided =
    critical.some(({ finding }) => finding === 'INCONCLUSIVE') ||
    leftOut.some((metric) => metric.critical) ||
    // Of nothing that happened nothing is known.
    shares.length + critical.length === 0;
  const tooFew = shares.some(({ good }) => good < limits.minShare - 1e-9);
  return undecided || tooFew ? 'inconclusive' : 'pass';
}

// Of k6 and of the swarm: see loadtests/run/samples.ts and loadtests/swarm/figures.ts.
const SEEN_BY_CLIENTS =
  /^(latency|errors|recover|watch_(latency|unrecovered|relists|recover|gap|ends))/;

/**
 * Of what clients saw, and of what servers say of themselves, each for itself: a dozen figures of
 * servers that are the same, or that spread too much to tell, must not outvote the one verb that
 * everybody waits for.
 */
function sharesOf(metrics: readonly MetricVerdict[]): { good: number; worse: number }[] {
  const counted = metrics.filter(isCounted);
  const clients = counted.filter(({ name }) => SEEN_BY_CLIENTS.test(name));
  const servers = counted.filter(({ name }) => !SEEN_BY_CLIENTS.test(name));
  return [clients, servers]
    .filter((side) => side.length > 0)
    .map((side) => ({
      good: side.filter(isGood).length / side.length,
      worse: side.filter(({ finding }) => finding === 'REGRESSED').length / side.length,
    }));
}

function countMoreRuns(
  { baseline, candidate }: Arms,
  metrics: readonly MetricVerdict[],
  { alpha }: GateLimits,
): number | undefined {
  const undecided = metrics.filter(({ finding }) => finding === 'INCONCLUSIVE');
  const needs = undecided.map(({ runsNeeded }) => runsNeeded ?? Infinity);
  const tested = metrics.filter((metric) => !isSilent(metric)).length;
  const needed = Math.max(fewestRuns(tested, alpha), ...needs);
  const have = Math.min(baseline.length, candidate.length);
  return Number.isFinite(needed) ? Math.max(1, needed - have) : undefined;
}

function describe(outcome: Outcome, parts: Parts & Pick<GateVerdict, 'moreRuns'>): string {
  const { problems, metrics, objectives, moreRuns } = parts;
  const named = (finding: MetricVerdict['finding']): string =>
    listOf(metrics.filter((metric) => metric.finding === finding).map(nameWithRatio));
  const missed = objectives.filter(({ met }) => !met).map(({ name }) => name);
  const also = missed.length > 0 ? `; also missed: ${listOf(missed)}` : '';
  const worse = named('REGRESSED');
  switch (outcome) {
    case 'invalid':
      return `Invalid: the runs say nothing about the candidate (${listOf(problems)}).`;
    case 'regression':
      return `Regression: worse than the baseline in ${worse}${also}.`;
    case 'objectiveFailed':
      return `Objective failed: the candidate missed ${listOf(missed)}.`;
    case 'inconclusive':
      return `Inconclusive: ${named('INCONCLUSIVE') || 'nothing'} could not be told${worse === '' ? '' : `; worse: ${worse}`}; ${advice(moreRuns)}.`;
    case 'pass':
      return `Pass: ${metrics.filter(isGood).length} of ${metrics.length} metrics are the same or better${remark(worse, named('INCONCLUSIVE'))}.`;
  }
}

function remark(worse: string, undecided: string): string {
  return [
    ...(worse === '' ? [] : [`; worse, within the share that is allowed: ${worse}`]),
    ...(undecided === '' ? [] : [`; could not be told: ${undecided}`]),
  ].join('');
}

function advice(moreRuns: number | undefined): string {
  if (moreRuns === undefined) {
    return `even ${MAX_RUNS} runs in each arm would not decide: the runs differ too much among themselves`;
  }
  return `about ${moreRuns} more ${moreRuns === 1 ? 'run' : 'runs'} in each arm would decide`;
}

function nameWithRatio({ name, ratio }: MetricVerdict): string {
  if (ratio === undefined) return name;
  const change = 100 * (ratio.estimate - 1);
  return `${name} (${change >= 0 ? '+' : ''}${change.toFixed(1)} %)`;
}

/** The first few, since a sentence is to be read. */
function listOf(items: readonly string[]): string {
  const shown = items.slice(0, 4).join(', ');
  return items.length > 4 ? `${shown} and ${items.length - 4} more` : shown;
}

/** Whether it is one of those of which a share must be good. */
function isCounted(metric: MetricVerdict): boolean {
  return !metric.critical && !isSilent(metric);
}

function isGood({ finding }: MetricVerdict): boolean {
  return finding === 'SAME' || finding === 'IMPROVED';
}
