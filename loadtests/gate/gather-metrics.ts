// Which metrics of two arms can be compared, and why the others cannot.
import type { MetricLine } from '../result.ts';
import type { Arms, NamedRun } from './arms.ts';
import { type MetricValues, MIN_RUNS } from './metric-verdict.ts';

export interface LeftOut {
  readonly name: string;
  readonly reason: string;
  readonly critical: boolean;
}

// perf-tests leaves out calls with fewer: their percentiles are single requests.
const MIN_OBSERVATIONS = 10;

/** By name, in the order in which the baseline has them. */
export function gatherMetrics(arms: Arms): {
  readonly judged: MetricValues[];
  readonly leftOut: LeftOut[];
} {
  const lines = [...arms.baseline, ...arms.candidate].flatMap(({ result }) => result.metrics);
  const byName = new Map<string, MetricLine[]>();
  for (const line of lines) byName.set(line.name, [...(byName.get(line.name) ?? []), line]);
  const judged: MetricValues[] = [];
  const leftOut: LeftOut[] = [];
  for (const [name, own] of byName) {
    const [first] = own;
    if (first === undefined) continue;
    const { unit, better } = first;
    const values: MetricValues = {
      ...{ name, unit, better },
      critical: own.some((line) => line.critical === true),
      baseline: valuesOf(arms.baseline, name),
      candidate: valuesOf(arms.candidate, name),
    };
    const reason = whyLeftOut(values, own, arms);
    if (reason === undefined) judged.push(values);
    else leftOut.push({ name, critical: values.critical, reason });
  }
  return { judged, leftOut };
}

/** Undefined for what can be judged. Of what is critical, one observation is enough. */
function whyLeftOut(
  { critical, baseline, candidate }: MetricValues,
  lines: readonly MetricLine[],
  arms: Arms,
): string | undefined {
  const fewest = Math.min(...lines.map((line) => line.observations ?? Infinity));
  if (fewest < MIN_OBSERVATIONS && !critical) return `made of ${fewest} observations in a run`;
  if (baseline.length === 0) return 'not measured in the baseline';
  if (candidate.length === 0) return 'not measured in the candidate';
  // Such as a wait that hardly any run has seen: more runs are no remedy.
  const enoughRuns = Math.min(arms.baseline.length, arms.candidate.length) >= MIN_RUNS;
  const rare = Math.min(baseline.length, candidate.length) < MIN_RUNS;
  if (enoughRuns && rare && !critical) return `measured in less than ${MIN_RUNS} runs of an arm`;
  return undefined;
}

function valuesOf(runs: readonly NamedRun[], name: string): number[] {
  return runs.flatMap(({ result }) =>
    result.metrics.filter((metric) => metric.name === name).map(({ value }) => value),
  );
}
