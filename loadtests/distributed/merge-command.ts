// `evenkeel-load merge`: what the runners of one manifest have written, as one result.
import { createReadStream } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { CommandError } from '../../common/command.ts';
import { EXIT_CODE, type ExitCode } from '../../common/exit-code.ts';
import { formatResultLine, RESULT_SCHEMA, type ResultLine } from '../result.ts';
import { Samples } from '../run/samples.ts';
import { assessRun } from '../run/validity.ts';
import { judgeObjectives } from '../scrape/objectives.ts';
import { type DistributedPlan, readPlan } from './manifest.ts';

export const MERGE_HELP = `Adds up what the runners of one manifest have written.

  evenkeel-load merge --manifest FILE LOG...

  --manifest FILE      what evenkeel-load manifest has written
  -o, --output FILE    where the result goes (standard output)

LOG is the whole log of one runner: there must be one of each.

Example: evenkeel-load merge --manifest spark.json 1.json 2.json -o spark.ndjson

Exit codes: 0 the run counts; 1 failed; 2 called wrongly; 3 the run does not count.
`;

export interface MergeOutput {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

export async function runMergeCommand(
  argv: readonly string[],
  signal: AbortSignal,
  output: MergeOutput = process,
): Promise<ExitCode> {
  const { values, positionals: logs } = parseFlags(argv);
  if (values.help === true) {
    output.stdout.write(MERGE_HELP);
    return EXIT_CODE.ok;
  }
  if (values.manifest === undefined || logs.length === 0) {
    throw new CommandError('expected --manifest FILE and LOG... (see evenkeel-load merge --help)');
  }
  const plan = readPlan(await readText(values.manifest));
  if (plan === undefined) {
    throw new CommandError(`${values.manifest}: not written by evenkeel-load manifest`);
  }
  const spans = await Promise.all(logs.map(readSpan));
  requireEachRunner(spans, logs, plan.parallelism);
  const startedAtMs = Math.min(...spans.map(({ firstMs }) => firstMs));
  const tookMs = Math.max(...spans.map(({ lastMs }) => lastMs)) - startedAtMs;
  const samples = new Samples(startedAtMs);
  for (const log of logs) {
    await eachLine(log, (line) => samples.take(line));
    signal.throwIfAborted();
  }
  const { lines, problems } = mergedLines(plan, samples, { startedAtMs, tookMs });
  const text = lines.map(formatResultLine).join('');
  if (values.output === undefined) output.stdout.write(text);
  else await writeFile(values.output, text);
  for (const problem of problems) output.stderr.write(`does not count: ${problem}\n`);
  return problems.length === 0 ? EXIT_CODE.ok : EXIT_CODE.checkFailed;
}

interface Span {
  /** As the operator numbers it (k6-operator pkg/resources/jobs/runner.go). */
  readonly runner: string;
  readonly firstMs: number;
  readonly lastMs: number;
}

async function readSpan(log: string): Promise<Span> {
  let runner = '';
  let firstMs = Number.POSITIVE_INFINITY;
  let lastMs = 0;
  await eachLine(log, (line) => {
    if (!line.startsWith('{"metric":"iterations"')) return;
    const { type, data } = JSON.parse(line) as {
      readonly type: string;
      readonly data: { readonly time: string; readonly tags: Readonly<Record<string, string>> };
    };
    if (type !== 'Point') return;
    runner = data.tags.instance_id ?? runner;
    const atMs = Date.parse(data.time);
    firstMs = Math.min(firstMs, atMs);
    lastMs = Math.max(lastMs, atMs);
  });
  if (runner !== '') return { runner, firstMs, lastMs };
  throw new CommandError(`${log}: no iteration of a runner of the k6-operator`);
}

/** The same log twice would count as twice the load. */
function requireEachRunner(spans: readonly Span[], logs: readonly string[], parallelism: number) {
  const runners = new Set(spans.map(({ runner }) => runner));
  if (runners.size === parallelism && logs.length === parallelism) return;
  const found = [...runners].sort().join(', ');
  throw new CommandError(
    `expected the logs of ${parallelism} runners, got ${logs.length}, of runners ${found}`,
  );
}

function mergedLines(
  plan: DistributedPlan,
  samples: Samples,
  { startedAtMs, tookMs }: { readonly startedAtMs: number; readonly tookMs: number },
): { lines: ResultLine[]; problems: readonly string[] } {
  const { suite, profile, nodes, seed, suiteHash, parallelism, image } = plan;
  // How a runner ended, and what it took of its processors, only its own machine knows.
  const outcome = { exitCode: 0, cpuShare: 0, complaint: '' };
  const expected = { iterations: plan.expectedIterations, ends: plan.ends };
  const validity = assessRun(samples, outcome, expected);
  const environment = {
    versions: { k6: image },
    flags: {},
    cores: 0,
    cpu: `${parallelism} runners of the k6-operator`,
    memoryMib: 0,
    kernel: 'unknown',
  };
  const startedAt = new Date(startedAtMs).toISOString();
  const lines: ResultLine[] = [
    {
      type: 'run',
      schema: RESULT_SCHEMA,
      ...{ suite, profile, nodes, seed, suiteHash, startedAt, environment },
      target: `in its cluster, by ${parallelism} runners`,
    },
    { type: 'phase', name: 'measure', atMs: Math.max(0, samples.measureFromMs ?? 0) },
    ...samples.windows(),
    ...samples.distributions(),
    ...samples.metrics(),
    ...judgeObjectives(samples.latencies(), undefined),
    { type: 'end', tookMs, validity },
  ];
  return { lines, problems: validity.problems };
}

async function eachLine(file: string, take: (line: string) => void): Promise<void> {
  try {
    for await (const line of createInterface({ input: createReadStream(file) })) take(line);
  } catch (cause) {
    throw new CommandError(`${file}: ${(cause as Error).message}`, { cause });
  }
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new CommandError(`--manifest: ${(cause as Error).message}`, { cause });
  }
}

function parseFlags(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        manifest: { type: 'string' },
        output: { type: 'string', short: 'o' },
        help: { type: 'boolean', short: 'h' },
        debug: { type: 'boolean' },
      },
    });
  } catch (cause) {
    throw new CommandError((cause as Error).message, { cause });
  }
}
