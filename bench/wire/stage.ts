// One backend, all subjects before it, one load after the other.
import { mkdir } from 'node:fs/promises';
import { ChildGroup } from '../../tools/child.ts';
import type { BenchmarkContext, NotRun } from '../benchmark.ts';
import { interleave } from '../statistics.ts';
import type { Sample } from '../subject.ts';
import { type Summary, summarize } from '../summary.ts';
import type { Backend } from './backends.ts';
import type { Load, Target } from './load.ts';
import type { RequestResult } from './result.ts';
import { takeSample } from './sample.ts';
import { checkAnswer, DIRECT, DOOR, type Subjects, startSubjects } from './subjects.ts';

export interface Pace {
  readonly seconds: number;
  readonly rounds: number;
}

const WARM_UP_SECONDS = 0.5;

/** Where a stage works, and how long. */
export interface Stage<B extends Backend = Backend> extends Pace {
  readonly context: BenchmarkContext;
  readonly backend: B;
  readonly targets: readonly Target[];
  readonly children: ChildGroup;
  readonly folder: string;
  /** The most requests in flight that each one has seen. */
  readonly warm: Map<Target, number>;
}

/** A load and what is sent with it. */
export interface StageLoad extends Load {
  readonly upload?: Buffer;
}

/** Runs `work` with everything started, and ends all of it. */
export async function withStage<B extends Backend, R>(
  context: BenchmarkContext,
  { folder, subjects, pace }: { folder: string; subjects: Subjects; pace: Pace },
  startBackend: (children: ChildGroup) => Promise<B>,
  work: (stage: Stage<B>) => Promise<R>,
): Promise<R> {
  const children = new ChildGroup();
  await context.onEnd(() => children.stop());
  try {
    await mkdir(folder);
    const backend = await startBackend(children);
    const count = 1 + subjects.workers.length + subjects.peers.length;
    context.say(`${backend.name}: starting ${count} subjects before it`);
    const targets = await startSubjects(backend, subjects, { folder, children });
    return await work({ ...pace, context, backend, targets, children, folder, warm: new Map() });
  } finally {
    await children.stop();
  }
}

/** Correctness first, then rounds in which all take their turns. */
export async function measureLoad(stage: Stage, load: StageLoad): Promise<RequestResult> {
  const { backend, context, children, folder, seconds, rounds, warm } = stage;
  const { bodyBytes, targets, notRun } = await checkAll(stage, load);
  const samples = new Map<Target, Sample[]>(targets.map((target) => [target, []]));
  const { headers } = backend;
  const inFlight = load.connections * load.streams;
  const { signal, say } = context;
  const caPath = backend.pki.clusterCa.certPath;
  const environment = { children, directory: folder, caPath, headers, bodyBytes, signal };
  const measure = async (target: Target): Promise<void> => {
    const taken = samples.get(target);
    if (taken === undefined) return; // It has failed before.
    try {
      if ((warm.get(target) ?? 0) < inFlight) {
        // The first run does not count: caches and compilers get warm, and nginx opens a connection
        // to a backend for each request in flight.
        await takeSample(load, target, { ...environment, seconds: WARM_UP_SECONDS });
        warm.set(target, inFlight);
      }
      taken.push(await takeSample(load, target, { ...environment, seconds }));
    } catch (error) {
      signal.throwIfAborted();
      samples.delete(target);
      notRun.push(failureOf(target, load, error));
    }
  };
  for (const target of interleave(targets, rounds)) await measure(target);
  const rows = [...samples].map(([{ name }, taken]) => summarize({ name, samples: taken }));
  say(`${load.name}: ${rows.map(shortly).join(', ')}`);
  return { load: load.name, backend: backend.name, rows, notRun };
}

function failureOf(target: Target, load: Load, error: unknown): NotRun {
  const reason = error instanceof Error ? error.message : String(error);
  return { name: `${target.name}, ${load.name}`, reason };
}

/** Those that answer right, and the length of the answer. Throws when the direct way does not. */
async function checkAll(
  { backend, targets }: Stage,
  load: StageLoad,
): Promise<{ bodyBytes: number; targets: Target[]; notRun: NotRun[] }> {
  const [direct, ...proxies] = targets;
  if (direct === undefined) throw new Error('there is no subject');
  const given = { backend, ...(load.upload === undefined ? {} : { upload: load.upload }) };
  const wanted = await checkAnswer(load, direct, given);
  const right = [direct];
  const notRun: NotRun[] = [];
  for (const target of proxies) {
    try {
      await checkAnswer(load, target, { ...given, wanted });
      right.push(target);
    } catch (error) {
      // One that answers wrong is not measured, and says so; the others are.
      notRun.push(failureOf(target, load, error));
    }
  }
  return { bodyBytes: wanted.length, targets: right, notRun };
}

function shortly({ subject, requestsPerSecond, cpuMicrosPerRequest }: Summary): string {
  return cpuMicrosPerRequest === undefined
    ? `${subject} ${requestsPerSecond.toFixed(0)}/s`
    : `${subject} ${cpuMicrosPerRequest.toFixed(1)} us`;
}

/** Half of what the door can do, in whole requests for each connection; as fast as it can if 0. */
export function halfRate({ rows }: RequestResult, connections: number): number {
  const door = rows.find(({ subject }) => subject === DOOR);
  const direct = rows.find(({ subject }) => subject === DIRECT);
  const rate = (door ?? direct)?.requestsPerSecond ?? 0;
  return Math.max(1, Math.round(rate / 2 / connections)) * connections;
}
