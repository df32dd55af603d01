// `npm test`: everything that this machine can check, and one table of what was and was not run.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CommandError, runCommand } from '../common/command.ts';
import { EXIT_CODE, type ExitCode } from '../common/exit-code.ts';
import { startProgress } from '../tools/progress.ts';
import {
  closingTable,
  failureLines,
  formatSeconds,
  type StepResult,
  sumLine,
} from './run/result.ts';
import { chooseSteps, STEPS, type Step, type StepContext } from './run/steps.ts';

const NAMES = STEPS.map(({ name }) => name);

const HELP = `Runs the checks and tests, all or those named, and sums them up.

  npm test
  npm test -- unit integration

Steps: ${NAMES.join(', ')}. A step that cannot run on this machine is reported as not run.
Exit code 1 when anything failed.
`;

// A terminal line of 80 columns that wraps cannot be redrawn, and name and time come first.
const MAX_REMARK_LENGTH = 45;

function parseSteps(argv: readonly string[]): readonly Step[] | undefined {
  const { values, positionals } = parse(argv);
  if (values.help) return undefined;
  const unknown = positionals.find((name) => !NAMES.includes(name));
  if (unknown !== undefined) {
    throw new CommandError(`no step "${unknown}"; there are: ${NAMES.join(', ')}`);
  }
  return chooseSteps(positionals);
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { help: { type: 'boolean', short: 'h' } },
    });
  } catch (cause) {
    throw new CommandError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

async function runStep(step: Step, context: Omit<StepContext, 'note'>): Promise<StepResult> {
  const startedAt = performance.now();
  const progress = startProgress(step.name, process.stdout, Date.now, 'running');
  const note = (remark: string): void => progress.note(remark.slice(0, MAX_REMARK_LENGTH));
  try {
    const result = await step.run({ ...context, note });
    const { passed, failed, note: why } = result;
    const figures = passed + failed > 0 ? `${passed} passed, ${failed} failed` : why;
    progress.finish(context.signal.aborted ? 'stopped' : `${figures},`);
    return { ...result, tookMs: performance.now() - startedAt };
  } catch (error) {
    progress.finish('broke off');
    throw error;
  }
}

async function runSteps(steps: readonly Step[], signal: AbortSignal): Promise<StepResult[]> {
  // Tests get it as the place of their temporary files; killed ones leave theirs behind.
  const directory = await mkdtemp(join(tmpdir(), 'evenkeel-test-'));
  const results = new Map<string, StepResult>();
  try {
    for (const step of steps) {
      if (signal.aborted) break;
      const result = await runStep(step, { directory, signal, before: results });
      results.set(step.name, result);
      if (!signal.aborted) print(failureLines(result));
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  return [...results.values()];
}

function print(lines: readonly string[]): void {
  for (const line of lines) process.stdout.write(`${line}\n`);
}

async function main(argv: readonly string[], signal: AbortSignal): Promise<ExitCode> {
  const steps = parseSteps(argv);
  if (steps === undefined) {
    process.stdout.write(HELP);
    return EXIT_CODE.ok;
  }
  const startedAt = performance.now();
  const results = await runSteps(steps, signal);
  if (signal.aborted) {
    // Half a run has no sum: a last line of figures would be taken for a result.
    process.stdout.write(`stopped by ${signal.reason}\n`);
    return EXIT_CODE.failure;
  }
  const took = formatSeconds(performance.now() - startedAt);
  print(['', ...closingTable(results), '', `node ${process.version}, ${took}`, sumLine(results)]);
  return results.some(({ failed }) => failed > 0) ? EXIT_CODE.failure : EXIT_CODE.ok;
}

await runCommand(main);
