// What a number of runs can tell, and how many would tell it.
import { studentQuantile } from './normal.ts';
import { smallestP } from './rank-sum.ts';

/** Nobody waits for more runs of an arm than this: such a machine is too restless to compare on. */
export const MAX_RUNS = 100;
// What the rank sum test loses beside the t test, where values are normal: 3 / pi.
const RANK_EFFICIENCY = 3 / Math.PI;

/** The fewest runs in each arm with which a shift can be significant, after Holm, at `alpha`. */
export function fewestRuns(metricCount: number, alpha: number): number {
  let runs = 2;
  while (smallestP(runs, runs) * Math.max(1, metricCount) >= alpha && runs < MAX_RUNS) runs += 1;
  return runs;
}

export interface Undecided {
  /** Of the metric, on the scale on which it is compared. */
  readonly shift: number;
  /** Beyond which a shift counts. */
  readonly tolerance: number;
  /** Standard deviation of the runs within an arm. */
  readonly spread: number;
  readonly metricCount: number;
  readonly alpha: number;
}

/**
 * How many runs each arm would need until the interval of such a shift, with such a spread, lies on
 * one side of the tolerance; undefined when MAX_RUNS would not do.
 */
export function runsToDecide(undecided: Undecided): number | undefined {
  const { shift, tolerance, spread, metricCount, alpha } = undecided;
  // The shift is an estimate: one that seems to lie just at the tolerance rarely does.
  const room = Math.max(Math.abs(Math.abs(shift) - tolerance), tolerance / 2);
  for (let runs = fewestRuns(metricCount, alpha); runs <= MAX_RUNS; runs += 1) {
    const error = spread * Math.sqrt(2 / (runs * RANK_EFFICIENCY));
    if (studentQuantile(0.975, 2 * runs - 2) * error <= room) return runs;
  }
  return undefined;
}

/** The standard deviation within two samples that may lie apart. 0 where neither has two values. */
export function pooledSpread(first: readonly number[], second: readonly number[]): number {
  const freedom = first.length + second.length - 2;
  if (freedom <= 0) return 0;
  return Math.sqrt((squaresAround(first) + squaresAround(second)) / freedom);
}

function squaresAround(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
}
