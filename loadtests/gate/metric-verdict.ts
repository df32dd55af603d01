// Whether one metric got worse, from its value in each run of both arms.
import type { MetricLine } from '../result.ts';
import { pooledSpread, runsToDecide } from './power.ts';
import { mannWhitney } from './rank-sum.ts';
import { medianOf, shiftInterval } from './shift.ts';

export type Finding = 'REGRESSED' | 'IMPROVED' | 'SAME' | 'INCONCLUSIVE';

export interface MetricValues {
  readonly name: string;
  readonly unit: MetricLine['unit'];
  readonly better: MetricLine['better'];
  readonly critical: boolean;
  readonly baseline: readonly number[];
  readonly candidate: readonly number[];
}

export interface MetricVerdict extends MetricValues {
  readonly finding: Finding;
  /** Why, in words. */
  readonly reason: string;
  readonly baselineMedian: number;
  readonly candidateMedian: number;
  /** Hodges-Lehmann, in the metric's own unit. */
  readonly shift: number;
  /** Candidate over baseline; undefined where a value is not above 0. */
  readonly ratio:
    | { readonly estimate: number; readonly low: number; readonly high: number }
    | undefined;
  readonly tolerance: number;
  readonly floor: number;
  readonly p: number;
  readonly adjustedP: number;
  /** Runs in each arm that would decide; undefined when it is decided, or when none would. */
  readonly runsNeeded: number | undefined;
}

export interface Limits {
  readonly alpha: number;
  /** Share by which most metrics may get worse. */
  readonly tolerance: number;
  /** The same for throughput and for processor time, which spread less. */
  readonly tightTolerance: number;
  /** Latencies that lie nearer than this are one: perf-tests clamps them so. */
  readonly latencyFloorMs: number;
}

export const LOCAL_LIMITS: Limits = {
  alpha: 0.05,
  tolerance: 0.1,
  tightTolerance: 0.05,
  latencyFloorMs: 5,
};
/** With three runs in each arm p is 0.1 at its smallest: neither sameness nor a change can be shown. */
export const MIN_RUNS = 4;
/** Where a network lies between. */
export const REMOTE_FLOOR_MS = 50;

/** A metric before it is known how many others there are. */
export interface Comparison {
  readonly values: MetricValues;
  readonly p: number;
}

/**
 * Of what never happened, in either arm: no test can find anything there, so that it neither is one
 * of those that Holm's correction is for, nor says how much of the candidate is as good as before.
 */
export function isSilent({
  baseline,
  candidate,
}: Pick<MetricValues, 'baseline' | 'candidate'>): boolean {
  return [...baseline, ...candidate].every((value) => value === 0);
}

export function compareMetric(values: MetricValues): Comparison {
  return { values, p: mannWhitney(values.baseline, values.candidate).p };
}

interface Scaled {
  /** Positive is worse. */
  readonly worse: { readonly estimate: number; readonly low: number; readonly high: number };
  readonly tolerance: number;
  readonly spread: number;
  readonly ratio: MetricVerdict['ratio'];
}

/** @param adjustedP after Holm, over `metricCount` metrics */
export function judgeMetric(
  { values, p }: Comparison,
  { adjustedP, metricCount, limits }: { adjustedP: number; metricCount: number; limits: Limits },
): MetricVerdict {
  const { baseline, candidate, better } = values;
  const share = toleranceOf(values, limits);
  const floor = floorOf(values, limits);
  const absolute = shiftInterval(baseline, candidate);
  const scaled = scale(values, share);
  const common = {
    ...values,
    baselineMedian: medianOf(baseline),
    candidateMedian: medianOf(candidate),
    shift: absolute.estimate,
    ratio: scaled.ratio,
    tolerance: share,
    floor,
    p,
    adjustedP,
    runsNeeded: undefined,
  };
  const broken = brokenBy(values);
  if (broken !== undefined) return { ...common, ...broken };
  const fewest = Math.min(baseline.length, candidate.length);
  if (fewest < MIN_RUNS) {
    const reason = `${fewest} of at least ${MIN_RUNS} runs in an arm: nothing is shown or excluded`;
    return { ...common, finding: 'INCONCLUSIVE', reason, runsNeeded: MIN_RUNS };
  }
  if (isSilent(values)) return { ...common, finding: 'SAME', reason: '0 in every run' };
  const large = Math.abs(absolute.estimate) > floor;
  if (adjustedP < limits.alpha && large) {
    if (scaled.worse.low > scaled.tolerance) {
      return { ...common, finding: 'REGRESSED', reason: `worse by more than ${percent(share)}` };
    }
    if (scaled.worse.high < -scaled.tolerance) {
      return { ...common, finding: 'IMPROVED', reason: `better by more than ${percent(share)}` };
    }
  }
  if (Math.max(-absolute.low, absolute.high) <= floor) {
    return { ...common, finding: 'SAME', reason: `apart by no more than ${floor} ${values.unit}` };
  }
  if (Math.max(-scaled.worse.low, scaled.worse.high) <= scaled.tolerance) {
    return { ...common, finding: 'SAME', reason: `within ${percent(share)}` };
  }
  const runsNeeded = runsToDecide({
    shift: scaled.worse.estimate,
    tolerance: scaled.tolerance,
    spread: scaled.spread,
    metricCount,
    alpha: limits.alpha,
  });
  const worse = better === 'lower' ? 'rise' : 'fall';
  const reason = `the interval reaches beyond ${percent(share)}: a ${worse} is neither shown nor excluded`;
  return { ...common, finding: 'INCONCLUSIVE', reason, runsNeeded };
}

/** On logarithms where all are above 0: what is slower by a tenth is so at 1 ms and at 1 s. */
function scale({ baseline, candidate, better }: MetricValues, share: number): Scaled {
  const sign = better === 'lower' ? 1 : -1;
  const positive = [...baseline, ...candidate].every((value) => value > 0);
  const map = positive ? Math.log : (value: number): number => value;
  const [from, to] = [baseline.map(map), candidate.map(map)];
  const interval = shiftInterval(from, to);
  const worse =
    sign > 0
      ? interval
      : { estimate: -interval.estimate, low: -interval.high, high: -interval.low };
  const ratio = {
    estimate: Math.exp(interval.estimate),
    low: Math.exp(interval.low),
    high: Math.exp(interval.high),
  };
  // Around 0 there is no ratio: the share is of the size that the values have in both arms.
  const middle = medianOf([...baseline, ...candidate].map(Math.abs));
  return {
    worse,
    tolerance: positive ? Math.log1p(share) : share * middle,
    spread: pooledSpread(from, to),
    ratio: positive ? ratio : undefined,
  };
}

/**
 * A critical metric without fault in every run of one arm, and not in every run of the other:
 * one lost event is one too many, and no test of significance is asked.
 */
function brokenBy(values: MetricValues): Pick<MetricVerdict, 'finding' | 'reason'> | undefined {
  const { critical, better, unit, baseline, candidate } = values;
  if (!critical || (better === 'higher' && unit !== 'ratio')) return undefined;
  const perfect = better === 'lower' ? 0 : 1;
  const faulty = (arm: readonly number[]): number =>
    arm.filter((value) => (better === 'lower' ? value > perfect : value < perfect)).length;
  const [before, after] = [faulty(baseline), faulty(candidate)];
  if (before === 0 && after > 0) {
    const reason = `critical: not ${perfect} in ${after} of ${candidate.length} runs, and ${perfect} in all before`;
    return { finding: 'REGRESSED', reason };
  }
  if (after > 0 || before === 0) return undefined;
  return { finding: 'IMPROVED', reason: `critical: ${perfect} in all runs, as it was not before` };
}

function toleranceOf({ name, unit }: MetricValues, limits: Limits): number {
  return unit === '1/s' || isProcessorTime(name) ? limits.tightTolerance : limits.tolerance;
}

/** In the metric's unit. Only latencies have one. */
function floorOf({ name, unit }: MetricValues, { latencyFloorMs }: Limits): number {
  if (isProcessorTime(name)) return 0;
  if (unit === 'ms') return latencyFloorMs;
  return unit === 's' ? latencyFloorMs / 1000 : 0;
}

function isProcessorTime(name: string): boolean {
  return /(^|_)cpu(_|\b)/i.test(name);
}

function percent(share: number): string {
  return `${Number((100 * share).toFixed(2))} %`;
}
