// The steps of `npm test`, in the order in which they run: what fails quickly comes first.
import { join } from 'node:path';
import { ROOT_DIRECTORY } from '../../tools/binaries.ts';
import { type ProgramResult, runProgram } from '../../tools/run-program.ts';
import { runVitest } from '../../tools/vitest.ts';
import {
  checkResult,
  notRunResult,
  patchesResult,
  type StepResult,
  vitestResult,
} from './result.ts';

export interface StepContext {
  /** For whatever the step writes; removed after the run. */
  readonly directory: string;
  readonly signal: AbortSignal;
  /** Results of the steps before, by name. */
  readonly before: ReadonlyMap<string, StepResult>;
  readonly note: (remark: string) => void;
}

export interface Step {
  readonly name: string;
  /** Steps that are run first, asked for or not. */
  readonly needs?: readonly string[];
  run(context: StepContext): Promise<Omit<StepResult, 'tookMs'>>;
}

export const STEPS: readonly Step[] = [
  check('typecheck', ['node_modules/.bin/tsc', '--noEmit', '-p', '.', '--pretty', 'false']),
  check('lint', ['node_modules/.bin/biome', 'ci', '.', '--colors=off']),
  project('unit'),
  // Before the integration tests, since one of them runs h2spec.
  { name: 'tools', run: buildTools },
  project('integration'),
  { name: 'cluster', needs: ['tools'], run: runCluster },
  // Last, because it compiles half of Kubernetes on a new machine; later only what has changed.
  { name: 'patches', run: verifyPatches },
];

/** Enough when Go has compiled Kubernetes before; without that it would be most of an hour. */
const PATCHES_WITHIN_SECONDS = 360;

/** The steps called `names` and those that they need; all when no name is given. */
export function chooseSteps(names: readonly string[]): readonly Step[] {
  if (names.length === 0) return STEPS;
  const wanted = new Set(names);
  for (const { name, needs = [] } of STEPS) {
    if (wanted.has(name)) for (const need of needs) wanted.add(need);
  }
  return STEPS.filter(({ name }) => wanted.has(name));
}

function check(name: string, command: readonly string[]): Step {
  return {
    name,
    run: async (context) => checkResult({ name, tookMs: 0 }, await runNode(command, context)),
  };
}

function project(name: string): Step {
  return { name, run: (context) => runProject(name, context) };
}

async function runProject(name: string, context: StepContext): Promise<StepResult> {
  const { directory, signal, note } = context;
  const onProgress = (count: number): void => note(`${count} tests`);
  const outcome = await runVitest({ project: name, directory, signal, onProgress });
  return vitestResult({ name, tookMs: 0 }, outcome);
}

/** No test of anything, so it counts for nothing unless it fails. */
async function buildTools(context: StepContext): Promise<StepResult> {
  const step = { name: 'tools', tookMs: 0 };
  const result = await runNode(['tools/install.ts'], context);
  const said = result.lines.at(-1)?.replace(/^tools: /, '') ?? '';
  const missing = /^not available: (.*?)\./.exec(said)?.[1];
  const note = missing === undefined ? said : `not run: ${missing}`;
  return { ...checkResult(step, result), passed: 0, note };
}

async function runCluster(context: StepContext): Promise<StepResult> {
  const tools = context.before.get('tools');
  if (tools?.failed === 0 && !tools.note.startsWith('not run')) {
    return runProject('cluster', context);
  }
  const reason = tools?.failed === 0 ? tools.note.replace('not run: ', '') : 'not built: see tools';
  return notRunResult({ name: 'cluster', tookMs: 0 }, reason);
}

async function verifyPatches(context: StepContext): Promise<StepResult> {
  const step = { name: 'patches', tookMs: 0 };
  const args = ['patches/verify.ts', '--quick', '--within', String(PATCHES_WITHIN_SECONDS)];
  return patchesResult(step, await runNode(args, context));
}

/** All that we run is JavaScript, the launchers of native programs too: no PATH decides anything. */
function runNode(
  [script = '', ...args]: readonly string[],
  { signal, note }: StepContext,
): Promise<ProgramResult> {
  return runProgram({
    command: process.execPath,
    args: [join(ROOT_DIRECTORY, script), ...args],
    signal,
    onLine: note,
  });
}
