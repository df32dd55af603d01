// `npm run patches`: shows for each patch that it does on the real source what it says.
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CommandError, runCommand } from '../common/command.ts';
import { EXIT_CODE, type ExitCode } from '../common/exit-code.ts';
import { ROOT_DIRECTORY, TOOLS_DIRECTORY } from '../tools/binaries.ts';
import { goVersion } from '../tools/go.ts';
import { startProgress } from '../tools/progress.ts';
import { readPatchSet } from './patch-set.ts';
import { unpackFromProxy } from './source.ts';
import { planWork, type Work } from './stamps.ts';
import { type Report, verifyAll } from './workbench.ts';

const HELP = `Verifies the patches: each applies to its pinned source, its test fails without the change for
the reason that it states and passes with it, the packages' other tests pass, and vet is clean.
What was verified before with the same files, pins and Go version is not verified again.

  npm run patches
  npm run patches -- --quick
  npm run patches -- --only 0003
  npm run patches -- --only kube-apiserver/v0.21.3,kube-controller-manager/v1.34.4/0002

  --only A,B   patches by number, folder or path; without it, also all of a folder together
  --quick      a patch's own test without and with the change; the packages' other tests and vet only
               once for all of a folder together
  --within N   begin nothing more after N seconds; what is left is reported as not run
  --again      also what was verified before
  --headers    nothing but the headers, which needs no Go
  --jobs N     sources at a time (default: half of the processors, but two if there are two)

Exit code 1 when a patch is refused. Without Go, or without a source, it is reported as not run.
`;

interface Options {
  readonly only: readonly string[];
  readonly quick: boolean;
  readonly again: boolean;
  readonly headers: boolean;
  readonly jobs: number;
  readonly withinSeconds: number | undefined;
}

function parseOptions(argv: readonly string[]): Options | undefined {
  const values = parse(argv);
  if (values.help) return undefined;
  const jobs = Number(values.jobs ?? defaultJobs(availableParallelism()));
  if (!Number.isInteger(jobs) || jobs < 1) {
    throw new CommandError(`--jobs: expected a number from 1, got "${values.jobs}"`);
  }
  const withinSeconds = values.within === undefined ? undefined : Number(values.within);
  if (withinSeconds !== undefined && !(withinSeconds > 0)) {
    throw new CommandError(`--within: expected seconds above 0, got "${values.within}"`);
  }
  const { quick = false, again = false, headers = false } = values;
  return { only: values.only?.split(',') ?? [], quick, again, headers, jobs, withinSeconds };
}

/**
 * Go itself keeps two processors busy while it compiles. But Kubernetes' tests mostly wait, so that on
 * two processors two sources side by side take little more than half of the time.
 */
function defaultJobs(processors: number): number {
  return Math.max(Math.min(2, processors), Math.floor(processors / 2));
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        only: { type: 'string' },
        quick: { type: 'boolean' },
        again: { type: 'boolean' },
        headers: { type: 'boolean' },
        jobs: { type: 'string' },
        within: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (cause) {
    throw new CommandError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** Of several pieces of work those that `only` names; a name that fits none is an error. */
function choose(works: readonly Work[], only: readonly string[]): readonly Work[] {
  if (only.length === 0) return works;
  const unknown = only.find((name) => !works.some((work) => isNamed(work, name)));
  if (unknown !== undefined)
    throw new CommandError(`--only: no patch "${unknown}" without problems`);
  return works.filter((work) => only.some((name) => isNamed(work, name)));
}

function isNamed({ title, patch }: Work, name: string): boolean {
  // All of a folder together are in the folder, and have no number.
  if (patch === undefined) return title === name || title.startsWith(`${name}/`);
  return patch.number === name || patch.name === name || title.startsWith(name);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function printReport({ work, verdict, note, tookMs, cached }: Report): void {
  const took = cached ? 'before' : `${Math.round(tookMs / 1000)} s`;
  const word = verdict === 'refused' ? 'REFUSED' : verdict;
  print(`${word.padEnd(8)}  ${took.padStart(6)}  ${work.title}: ${note}`);
}

async function verify(
  works: readonly Work[],
  { again, jobs, withinSeconds = Number.POSITIVE_INFINITY }: Options,
  signal: AbortSignal,
): Promise<readonly Report[]> {
  const go = await goVersion();
  if (go === undefined) {
    const outcome = { verdict: 'not run', note: 'no Go', tookMs: 0, cached: false } as const;
    const reports = works.map((work) => ({ ...outcome, work }));
    for (const report of reports) printReport(report);
    return reports;
  }
  const endMs = performance.now() + withinSeconds * 1000;
  const progress = startProgress('patches', process.stderr, Date.now, 'verifying');
  const reports = await verifyAll(works, {
    directory: join(TOOLS_DIRECTORY, 'patches'),
    unpack: unpackFromProxy,
    goVersion: go,
    jobs,
    again,
    isOver: () => performance.now() >= endMs,
    signal,
    onStep: ({ title }, what) => progress.note(`${title}: ${what}`),
    onReport: printReport,
  });
  progress.finish(signal.aborted ? 'stopped' : 'done');
  return reports;
}

async function main(argv: readonly string[], signal: AbortSignal): Promise<ExitCode> {
  const options = parseOptions(argv);
  if (options === undefined) {
    process.stdout.write(HELP);
    return EXIT_CODE.ok;
  }
  const { bases, patches, problems } = await readPatchSet(join(ROOT_DIRECTORY, 'patches'));
  for (const problem of problems) print(`REFUSED   header  ${problem}`);
  const plan = planWork(bases, patches, options.quick ? 'quick' : 'whole');
  const works = options.headers ? [] : choose(plan, options.only);
  const reports = works.length === 0 ? [] : await verify(works, options, signal);
  if (signal.aborted) {
    print(`stopped by ${signal.reason}`);
    return EXIT_CODE.failure;
  }
  const count = (word: Report['verdict']): number =>
    reports.filter(({ verdict }) => verdict === word).length;
  const refused = count('refused') + problems.length;
  print(
    `patches: ${count('verified')} verified, ${refused} refused, ${count('not run')} not run; ` +
      `headers of ${patches.length} are good`,
  );
  return refused > 0 ? EXIT_CODE.failure : EXIT_CODE.ok;
}

await runCommand(main);
