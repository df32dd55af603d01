// Runs that never were, with a known truth: what the gate is tried on. Their figures have heavy
// tails and a slow drift that both arms meet, as those of a shared machine have.
import { type MetricLine, RESULT_SCHEMA, type RunResult } from '../result.ts';
import type { Arms, NamedRun } from './arms.ts';
import { nextNormal, type Random, seededRandom } from './random.ts';

export interface SyntheticOptions {
  readonly seed: number;
  readonly pairs: number;
  /** Names of metrics (`SYNTHETIC_METRICS`) with what the candidate's are multiplied by. */
  readonly factors?: Readonly<Record<string, number>>;
  /** Of a run around its mean, as a share. */
  readonly spread?: number;
}

/** In milliseconds, as a control plane of some hundred nodes has them. */
export const SYNTHETIC_METRICS: Readonly<Record<string, number>> = {
  'latency_p50{GET pods resource}': 60,
  'latency_p99{GET pods resource}': 180,
  'latency_p99{PUT leases resource}': 140,
  'latency_p99{LIST pods namespace}': 900,
  'latency_p99{watch event pods}': 220,
  recover_time: 4200,
};
const DEFAULT_SPREAD = 0.03;
/** How much of the drift one run hands to the next. */
const MEMORY = 0.6;
const MINUTE_MS = 60_000;

/** Interleaved A B B A, so that what drifts meets both alike. */
export function syntheticArms(options: SyntheticOptions): Arms {
  const random = seededRandom(options.seed);
  const baseline: NamedRun[] = [];
  const candidate: NamedRun[] = [];
  let drift = 0;
  for (let index = 0; index < 2 * options.pairs; index += 1) {
    drift = MEMORY * drift + nextNormal(random) * 0.01;
    const isBaseline = index % 4 === 0 || index % 4 === 3;
    const run = syntheticRun(options, { index, drift, isBaseline, random });
    (isBaseline ? baseline : candidate).push(run);
  }
  return { baseline, candidate };
}

interface Moment {
  readonly index: number;
  readonly drift: number;
  readonly isBaseline: boolean;
  readonly random: Random;
}

function syntheticRun(
  { seed, factors = {}, spread = DEFAULT_SPREAD }: SyntheticOptions,
  { index, drift, isBaseline, random }: Moment,
): NamedRun {
  const metrics = Object.entries(SYNTHETIC_METRICS).map(([name, mean]) => {
    const factor = isBaseline ? 1 : (factors[name] ?? 1);
    const value = mean * factor * Math.exp(drift + spread * nextHeavy(random));
    return { type: 'metric' as const, name, value, unit: 'ms' as const, better: 'lower' as const };
  });
  return runOf({ index, target: isBaseline ? 'baseline' : 'candidate', seed, metrics });
}

interface RunParts {
  /** In the order in which runs were made. */
  readonly index: number;
  readonly target: string;
  readonly seed: number;
  readonly metrics: readonly MetricLine[];
}

/** A valid run of these figures. */
export function runOf({ index, target, seed, metrics }: RunParts): NamedRun {
  const result: RunResult = {
    run: {
      type: 'run',
      schema: RESULT_SCHEMA,
      suite: 'synthetic',
      profile: 'smoke',
      nodes: 100,
      seed,
      suiteHash: 'synthetic',
      target,
      startedAt: new Date(index * MINUTE_MS).toISOString(),
      environment: { versions: {}, flags: {}, cores: 2, cpu: 'none', memoryMib: 1, kernel: 'none' },
    },
    phases: [],
    faults: [],
    windows: [],
    distributions: [],
    metrics,
    objectives: [],
    end: {
      type: 'end',
      tookMs: MINUTE_MS,
      validity: {
        droppedIterations: 0,
        offeredRatio: 1,
        generatorCpuShare: 0.2,
        loopLagP99Ms: 1,
        problems: [],
      },
    },
  };
  return { name: `${target}-${index}.ndjson`, result };
}

/** Student's t with five degrees of freedom, scaled to a deviation of 1: one run in fifty is far off. */
function nextHeavy(random: Random): number {
  let squares = 0;
  for (let index = 0; index < 5; index += 1) squares += nextNormal(random) ** 2;
  return (nextNormal(random) / Math.sqrt(squares / 5)) * Math.sqrt(3 / 5);
}
