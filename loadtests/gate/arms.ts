// Two arms of runs: read from files, and whether one may be compared with the other.
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CommandError } from '../../common/command.ts';
import { parseResult, ResultError, type RunResult } from '../result.ts';

/** A run with what it is called in messages. */
export interface NamedRun {
  readonly name: string;
  readonly result: RunResult;
}

export interface Arms {
  readonly baseline: readonly NamedRun[];
  readonly candidate: readonly NamedRun[];
}

/** What a run must keep to, from research into what makes k6's figures its own. */
const MAX_OFFERED_ERROR = 0.01;
const MAX_GENERATOR_CPU = 0.8;
const MAX_LOOP_LAG_MS = 10;
const RESULT_FILE = /\.(ndjson|jsonl)$/;

/**
 * All runs of files and folders, of a folder those that end in `.ndjson`, in the order of their
 * names. What cannot be read is a mistake of the call, and named.
 */
export async function readRuns(paths: readonly string[]): Promise<NamedRun[]> {
  const files = (await Promise.all(paths.map(filesOf))).flat();
  return Promise.all(files.map(readRun));
}

async function filesOf(path: string): Promise<string[]> {
  const found = await stat(path).catch((cause: Error) => {
    throw new CommandError(`${path}: cannot be read (${cause.message})`, { cause });
  });
  if (!found.isDirectory()) return [path];
  const names = (await readdir(path)).filter((name) => RESULT_FILE.test(name)).sort();
  if (names.length > 0) return names.map((name) => join(path, name));
  throw new CommandError(`${path}: no results in this folder (files that end in .ndjson)`);
}

async function readRun(file: string): Promise<NamedRun> {
  try {
    return { name: file, result: parseResult(await readFile(file, 'utf8'), file) };
  } catch (cause) {
    if (cause instanceof ResultError) throw new CommandError(cause.message, { cause });
    throw new CommandError(`${file}: cannot be read (${(cause as Error).message})`, { cause });
  }
}

/** Why the arms say nothing about the candidate, in words; empty when they do. */
export function findProblems({ baseline, candidate }: Arms): string[] {
  const all = [...baseline, ...candidate];
  return [...all.flatMap(problemsOfRun), ...differencesBetween(all), ...metricProblems(all)];
}

/** Why one run does not count. */
export function problemsOfRun({ name, result }: NamedRun): string[] {
  const { end } = result;
  if (end === undefined) return [`${name}: broke off before its end`];
  const { droppedIterations, offeredRatio, generatorCpuShare, loopLagP99Ms } = end.validity;
  const tests: [boolean, string][] = [
    [droppedIterations > 0, `dropped ${droppedIterations} iterations`],
    [
      Math.abs(offeredRatio - 1) > MAX_OFFERED_ERROR,
      `sent ${percent(offeredRatio)} of the requests that it was to send`,
    ],
    [
      generatorCpuShare >= MAX_GENERATOR_CPU,
      `the generator used ${percent(generatorCpuShare)} of a processor (80 % makes it the bottleneck)`,
    ],
    [
      loopLagP99Ms > MAX_LOOP_LAG_MS,
      `the generator's event loop lagged ${loopLagP99Ms} ms at p99 (at most ${MAX_LOOP_LAG_MS} ms)`,
    ],
  ];
  const said = end.validity.problems;
  const found = tests.filter(([wrong]) => wrong).map(([, words]) => words);
  // The run's own words say the same with more detail.
  return [...(said.length > 0 ? said : found)].map((words) => `${name}: ${words}`);
}

function differencesBetween(runs: readonly NamedRun[]): string[] {
  const [first, ...others] = runs;
  if (first === undefined) return [];
  return mustBeEqual(first).flatMap(([what, expected], index) => {
    const odd = others.find((run) => mustBeEqual(run)[index]?.[1] !== expected);
    if (odd === undefined) return [];
    const got = mustBeEqual(odd)[index]?.[1];
    return [`${what} differs: ${expected} in ${first.name}, ${got} in ${odd.name}`];
  });
}

function mustBeEqual({ result: { run } }: NamedRun): [string, string | number][] {
  const { cores, cpu, memoryMib, kernel } = run.environment;
  return [
    ['suite', run.suite],
    ['suite hash', run.suiteHash],
    ['profile', run.profile],
    ['number of simulated nodes', run.nodes],
    ['seed', run.seed],
    ['machine', `${cpu}, ${cores} cores, ${memoryMib} MiB, kernel ${kernel}`],
  ];
}

/** A metric that means two things cannot be compared, nor one that has no number. */
function metricProblems(runs: readonly NamedRun[]): string[] {
  const meanings = new Map<string, string>();
  return runs.flatMap(({ name, result }) =>
    result.metrics.flatMap((metric) => {
      const meaning = `${metric.unit}, ${metric.better} is better`;
      const before = meanings.get(metric.name) ?? meaning;
      meanings.set(metric.name, before);
      if (before !== meaning) return [`${name}: ${metric.name} is in ${meaning}, not ${before}`];
      if (!Number.isFinite(metric.value)) return [`${name}: ${metric.name} is not a number`];
      return [];
    }),
  );
}

/** What does not make the comparison void and should be known all the same. */
export function findWarnings({ baseline, candidate }: Arms): string[] {
  const fewest = Math.min(baseline.length, candidate.length);
  const warnings: string[] = [];
  if (fewest < 4) {
    const count = `${fewest} ${fewest === 1 ? 'run' : 'runs'}`;
    warnings.push(`an arm has ${count}: with less than 4 no difference can be significant`);
  }
  const order = orderOf({ baseline, candidate });
  if (!isInterleaved(order)) {
    warnings.push(
      `the arms were not interleaved (${order}): what changed on the machine meanwhile looks like the candidate`,
    );
  }
  const seen = new Set(baseline.map(keyOf));
  if (candidate.some((run) => seen.has(keyOf(run)))) warnings.push('a run is in both arms');
  return warnings;
}

/** By when they began, such as `ABBAABBA`. */
export function orderOf({ baseline, candidate }: Arms): string {
  const began = (letter: string) => (run: NamedRun) => ({
    letter,
    atMs: Date.parse(run.result.run.startedAt),
  });
  return [...baseline.map(began('A')), ...candidate.map(began('B'))]
    .sort((a, b) => a.atMs - b.atMs)
    .map(({ letter }) => letter)
    .join('');
}

/** Whether each two runs after one another are of both arms, so that drift meets both alike. */
function isInterleaved(order: string): boolean {
  return /^(AB|BA)+$/.test(order);
}

function keyOf({ result }: NamedRun): string {
  return JSON.stringify([result.run.startedAt, result.metrics]);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
