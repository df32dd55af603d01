// A phase of the demo in figures, out of samples. Pure.
import type { ReplicaSample, Sample, SideCounts } from './census.ts';

export interface SideLoad {
  readonly requestsPerSecond: number;
  readonly watches: number;
}

export interface ReplicaLoad {
  readonly name: string;
  readonly up: boolean;
  readonly tcp: SideLoad;
  readonly door: SideLoad;
}

export type Side = 'tcp' | 'door';

/** Load at the end of `samples`: requests over the last `windowMs`, watches typical of its end. */
export function phaseFigures(samples: readonly Sample[], windowMs: number): ReplicaLoad[] {
  const last = samples.at(-1);
  if (!last) return [];
  const first = samples.find(({ atMs }) => atMs >= last.atMs - windowMs) ?? last;
  const seconds = (last.atMs - first.atMs) / 1000;
  return last.replicas.map((replica, index) => {
    const begin = first.replicas[index] ?? replica;
    const recent = samples.slice(-WATCH_SAMPLES).flatMap(({ replicas }) => replicas[index] ?? []);
    const load = (side: Side): SideLoad => ({
      requestsPerSecond: rate(begin[side], replica[side], seconds),
      watches: typicalWatches(recent, side),
    });
    return { name: replica.name, up: replica.up, tcp: load('tcp'), door: load('door') };
  });
}

/** A sample may fall between the end of one watch and the start of the next. */
const WATCH_SAMPLES = 5;

function typicalWatches(recent: readonly ReplicaSample[], side: Side): number {
  const sorted = recent.map((replica) => replica[side].watches).sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function rate(from: SideCounts, to: SideCounts, seconds: number): number {
  return seconds > 0 ? Math.max(0, to.requests - from.requests) / seconds : 0;
}

/** The busiest of the replicas that are up against their mean; undefined when nothing is there. */
export function busiestToMean(
  replicas: readonly ReplicaLoad[],
  figure: (replica: ReplicaLoad) => number,
): number | undefined {
  const values = replicas.filter(({ up }) => up).map(figure);
  const sum = values.reduce((total, value) => total + value, 0);
  return sum > 0 ? (Math.max(...values) * values.length) / sum : undefined;
}
