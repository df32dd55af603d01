// `npm run bench`: measures side by side and judges nothing.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandError, runCommand } from '../common/command.ts';
import { EXIT_CODE, type ExitCode } from '../common/exit-code.ts';
import { ROOT_DIRECTORY } from '../tools/binaries.ts';
import { Cleanup } from '../tools/cleanup.ts';
import { describeMachine } from '../tools/machine.ts';
import { formatTable } from '../tools/text-table.ts';
import type { Benchmark, BenchmarkResult } from './benchmark.ts';
import { frontDoor } from './front-door.ts';
import { metrics } from './metrics.ts';
import { HELP, type Options, parseOptions } from './options.ts';
import { profile } from './profile.ts';
import { writeReadme } from './readme.ts';
import { watchFrames } from './watch-frames.ts';
import { wire } from './wire.ts';

const BENCHMARKS: readonly Benchmark[] = [wire, profile, frontDoor, watchFrames, metrics];
const NOT_WRITTEN = 'not kept: --write puts it into bench/results';

function findBenchmark(name: string): Benchmark {
  const found = BENCHMARKS.find((benchmark) => benchmark.name === name);
  if (found !== undefined) return found;
  const names = BENCHMARKS.map((benchmark) => benchmark.name).join(', ');
  throw new CommandError(`no benchmark "${name}"; there are: ${names}`);
}

/** Undefined when it was stopped. Nothing that it started is left. */
async function runBenchmark(
  benchmark: Benchmark,
  options: Options,
  signal: AbortSignal,
): Promise<BenchmarkResult | undefined> {
  const directory = await mkdtemp(join(tmpdir(), `evenkeel-bench-${benchmark.name}-`));
  const cleanup = new Cleanup(signal);
  const say = (line: string): void => printLines([`  ${line}`]);
  try {
    const onEnd = (end: () => Promise<void>): Promise<void> => cleanup.add(end);
    return await benchmark.run({ directory, options, signal, say, onEnd });
  } catch (error) {
    // The ends that Ctrl-C has brought about look like failures from inside.
    if (signal.aborted) return undefined;
    throw error;
  } finally {
    await cleanup.run();
    if (options.keep) say(`logs: ${directory}`);
    else await rm(directory, { recursive: true, force: true });
  }
}

async function writeResult(name: string, result: object): Promise<string> {
  const folder = join(ROOT_DIRECTORY, 'bench/results');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify(result, undefined, 2)}\n`);
  return `bench/results/${name}.json`;
}

function printLines(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}

async function main(argv: readonly string[], signal: AbortSignal): Promise<ExitCode> {
  const options = parseOptions(argv);
  if (options.help) {
    process.stdout.write(HELP);
    return EXIT_CODE.ok;
  }
  if (options.name === undefined) {
    const titles = BENCHMARKS.map((benchmark) => [benchmark.name, benchmark.title]);
    printLines(formatTable([{ title: 'benchmark' }, { title: 'what it measures' }], titles));
    return EXIT_CODE.ok;
  }
  const benchmark = findBenchmark(options.name);
  const machine = await describeMachine();
  printLines([`${benchmark.name}: ${benchmark.title}`]);
  const result = await runBenchmark(benchmark, options, signal);
  if (result === undefined || signal.aborted) {
    printLines([`stopped by ${signal.reason}; nothing was written`]);
    return EXIT_CODE.failure;
  }
  printLines(['', ...result.lines, '']);
  const { name, title } = benchmark;
  const stored = { name, title, ...machine, quick: options.quick, ...result.figures };
  if (options.write) {
    printLines([`written: ${await writeResult(name, stored)}, ${await writeReadme()}`]);
  } else {
    printLines([NOT_WRITTEN]);
  }
  return EXIT_CODE.ok;
}

await runCommand(main);
