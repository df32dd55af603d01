// Arms drawn from runs that were real: of one control plane as it is, and of the same with one verb
// slower by a fifth (recorded-runs.json, which `npm run prove -- gate --part record` writes). Their
// noise is that of a machine, which no formula has.
import { readFileSync } from 'node:fs';
import type { MetricLine } from '../result.ts';
import type { Arms, NamedRun } from './arms.ts';
import { type Random, seededRandom } from './random.ts';
import { runOf } from './synthetic-arms.ts';

/** The verb of which the recorded candidate is slower. */
export const RECORDED_SERIES = 'PUT endpointslices resource';

/** As the swarm has it (loadtests/swarm/figures.ts). */
const LOST = {
  type: 'metric',
  name: 'watch_events_lost',
  unit: '1',
  better: 'lower',
  critical: true,
} as const;

type Values = readonly (number | null)[];

interface RecordedMetric extends Omit<MetricLine, 'type' | 'value'> {
  readonly baseline: Values;
  readonly candidate: Values;
}

export type Recording = readonly RecordedMetric[];

export function readRecording(): Recording {
  const file = new URL('./recorded-runs.json', import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as Recording;
}

/**
 * Both arms from runs of the baseline: of each two that followed one another a lot says which is whose,
 * so that what drifted with time meets both alike.
 *
 * @param factor what the candidate's latencies of RECORDED_SERIES are multiplied by
 */
export function sameArms(recording: Recording, seed: number, factor = 1): Arms {
  const random = seededRandom(seed);
  const count = recording[0]?.baseline.length ?? 0;
  const chosen = { baseline: [] as number[], candidate: [] as number[] };
  for (let first = 0; first + 1 < count; first += 2) {
    const swapped = random() < 0.5 ? 1 : 0;
    chosen.baseline.push(first + swapped);
    chosen.candidate.push(first + 1 - swapped);
  }
  return {
    baseline: chosen.baseline.map((run) => recordedRun(recording, 'baseline', run, 1)),
    candidate: chosen.candidate.map((run) => {
      const drawn = recordedRun(recording, 'baseline', run, factor);
      const { result } = drawn;
      return { ...drawn, result: { ...result, run: { ...result.run, target: 'candidate' } } };
    }),
  };
}

/** As the same arms, with watches of which one lost one event in one run of the candidate. */
export function lossyArms(recording: Recording, seed: number): Arms {
  const { baseline, candidate } = sameArms(recording, seed);
  const add = ({ name, result }: NamedRun, value: number): NamedRun => {
    const metrics = [...result.metrics, { ...LOST, value }];
    return { name, result: { ...result, metrics } };
  };
  return {
    baseline: baseline.map((run) => add(run, 0)),
    candidate: candidate.map((run, index) => add(run, index === seed % candidate.length ? 1 : 0)),
  };
}

/** Half of the runs of each arm, by lot. */
export function slowerArms(recording: Recording, seed: number): Arms {
  const random = seededRandom(seed);
  const pick = (arm: 'baseline' | 'candidate'): NamedRun[] =>
    halfOf(recording[0]?.[arm].length ?? 0, random).map((run) =>
      recordedRun(recording, arm, run, 1),
    );
  return { baseline: pick('baseline'), candidate: pick('candidate') };
}

/** One of each two, in order. */
function halfOf(count: number, random: Random): number[] {
  return Array.from({ length: Math.floor(count / 2) }, (_, pair) => {
    return 2 * pair + (random() < 0.5 ? 1 : 0);
  });
}

function recordedRun(
  recording: Recording,
  arm: 'baseline' | 'candidate',
  run: number,
  factor: number,
): NamedRun {
  const metrics = recording.flatMap(({ baseline, candidate, ...line }): MetricLine[] => {
    const value = { baseline, candidate }[arm][run];
    if (value === undefined || value === null) return [];
    const own = line.name.startsWith('latency_') && line.name.endsWith(`{${RECORDED_SERIES}}`);
    return [{ type: 'metric', ...line, value: own ? value * factor : value }];
  });
  return runOf({ index: 2 * run + (arm === 'baseline' ? 0 : 1), target: arm, seed: 1, metrics });
}
