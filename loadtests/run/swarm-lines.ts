// The lines of the swarm's processes as lines of the one result.
import type { MetricLine, ResultLine, Validity } from '../result.ts';

/** A line of the result, or undefined for what the result says itself. */
export function swarmLine(
  line: ResultLine,
  resource: string,
  /** When the swarm's clock began, on the run's. */
  offsetMs: number,
): ResultLine | undefined {
  if (line.type === 'window') return { ...line, atMs: line.atMs + Math.round(offsetMs) };
  if (line.type === 'distribution') return line;
  if (line.type === 'metric') return { ...line, name: metricName(line, resource) };
  return undefined;
}

/** A run has each name once, and several processes say the same about their resources. */
function metricName({ name }: MetricLine, resource: string): string {
  const [, base = name, detail] = /^([^{]*)(?:\{(.*)\})?$/s.exec(name) ?? [];
  if (detail === undefined) return `${base}{${resource}}`;
  return detail.split(' ').includes(resource) ? name : `${base}{${resource} ${detail}}`;
}

/** The run counts only if all that loaded it do: sums of what was missed, the worst of what was used. */
export function joinValidity(run: Validity, swarms: readonly Validity[]): Validity {
  const all = [run, ...swarms];
  const off = (ratio: number): number => Math.abs(ratio - 1);
  return {
    droppedIterations: all.reduce((sum, one) => sum + one.droppedIterations, 0),
    offeredRatio: all
      .map(({ offeredRatio }) => offeredRatio)
      .reduce((worst, ratio) => (off(ratio) > off(worst) ? ratio : worst)),
    generatorCpuShare: Math.max(...all.map((one) => one.generatorCpuShare)),
    loopLagP99Ms: Math.max(...all.map((one) => one.loopLagP99Ms)),
    problems: all.flatMap((one) => one.problems),
  };
}
