// Builds the real components and our Go programs into .tools/bin: `npm run tools`.
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CommandError, runCommand } from '../common/command.ts';
import { EXIT_CODE, type ExitCode } from '../common/exit-code.ts';
import { binaryPath, missingBinaries, ROOT_DIRECTORY, TOOLS_DIRECTORY } from './binaries.ts';
import { buildArguments, COMPONENTS, type Component } from './components.ts';
import { DEBIAN_PROGRAMS, type DebianProgram, fetchDebianProgram } from './debian.ts';
import { goBuild, goVersion } from './go.ts';
import { startProgress } from './progress.ts';
import { computeStamp, readModuleFiles } from './stamp.ts';

const NAMES = [...COMPONENTS, ...DEBIAN_PROGRAMS].map(({ name }) => name);

const HELP = `Builds the real components into .tools/bin with Go. What is up to date is left alone.
Old etcd comes out of a Debian package, where the system has that one.

  npm run tools
  npm run tools -- --only kubectl,etcd

Programs: ${NAMES.join(', ')}
`;

interface Plan {
  readonly component: Component;
  readonly stamp: string;
}

interface Choice {
  readonly components: readonly Component[];
  readonly packaged: readonly DebianProgram[];
}

function choose(only: string | undefined): Choice {
  const names = only?.split(',') ?? NAMES;
  const unknown = names.filter((name) => !NAMES.includes(name));
  if (unknown.length > 0) {
    const known = NAMES.join(', ');
    throw new CommandError(`--only: no program "${unknown.join('", "')}"; there are: ${known}`);
  }
  return {
    components: COMPONENTS.filter(({ name }) => names.includes(name)),
    packaged: DEBIAN_PROGRAMS.filter(({ name }) => names.includes(name)),
  };
}

function stampPath(component: Component): string {
  return join(TOOLS_DIRECTORY, 'stamps', component.name);
}

/** Those of `components` that are not built from what the checkout holds now. */
async function findStale(components: readonly Component[], goVersion: string): Promise<Plan[]> {
  const stale: Plan[] = [];
  for (const component of components) {
    const files = await readModuleFiles(join(ROOT_DIRECTORY, component.module));
    const stamp = computeStamp(component, { goVersion, files });
    const built = await readFile(stampPath(component), 'utf8').catch(() => '');
    if (built !== stamp || missingBinaries([component.name]).length > 0) {
      stale.push({ component, stamp });
    }
  }
  return stale;
}

/** True when the program is in place. A failed or stopped build leaves what was there before. */
async function buildComponent({ component, stamp }: Plan, signal: AbortSignal): Promise<boolean> {
  const { name, version } = component;
  // In .tools and not in /tmp, because only within one file system is a rename atomic. The process
  // id keeps two installs at the same time apart.
  const partial = join(TOOLS_DIRECTORY, `partial-${process.pid}-${name}`);
  const output = join(partial, name);
  await mkdir(partial);
  const progress = startProgress(`${name} ${version}`, process.stderr);
  try {
    const { exitCode, messages } = await goBuild(
      {
        directory: join(ROOT_DIRECTORY, component.module),
        args: buildArguments(component, output),
        temporaryDirectory: partial,
      },
      signal,
      (count) => progress.note(`${count} packages compiled`),
    );
    if (signal.aborted) {
      progress.finish('stopped');
      return false;
    }
    if (exitCode !== 0) {
      progress.finish(`BUILD FAILED, go ended with ${exitCode ?? 'a signal'}`);
      process.stderr.write(`${messages.map((line) => `  ${line}`).join('\n')}\n`);
      return false;
    }
    // The stamp goes first and comes last: between the two there is no stamp that says too much.
    await rm(stampPath(component), { force: true });
    await rename(output, binaryPath(name));
    await writeFile(stampPath(component), stamp);
    progress.finish('built');
    return true;
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

async function buildAll(stale: readonly Plan[], signal: AbortSignal): Promise<string[]> {
  const failed: string[] = [];
  // One at a time: go itself keeps all processors busy, and two would only double the memory.
  for (const plan of stale) {
    if (signal.aborted) break;
    // The others are tried all the same, since most tests need only some of the programs.
    if (!(await buildComponent(plan, signal))) failed.push(plan.component.name);
  }
  return failed;
}

/** A system without the package is no failure: what needs it is reported as not run. */
async function fetchAll(packaged: readonly DebianProgram[], signal: AbortSignal): Promise<void> {
  for (const program of packaged) {
    if (signal.aborted) break;
    const outcome = await fetchDebianProgram(program, signal);
    if (outcome.kind === 'current') continue;
    const said =
      outcome.kind === 'unavailable' ? `not available: ${outcome.why}` : 'taken from Debian';
    process.stderr.write(`${program.name}: ${said}\n`);
  }
}

function parseOptions(argv: readonly string[]): { only: string | undefined; help: boolean } {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: { only: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    });
    return { only: values.only, help: values.help ?? false };
  } catch (error) {
    throw new CommandError(error instanceof Error ? error.message : String(error), {
      cause: error,
    });
  }
}

async function install(argv: readonly string[], signal: AbortSignal): Promise<ExitCode> {
  const { only, help } = parseOptions(argv);
  if (help) {
    process.stdout.write(HELP);
    return EXIT_CODE.ok;
  }
  const { components, packaged } = choose(only);
  await mkdir(join(TOOLS_DIRECTORY, 'bin'), { recursive: true });
  await mkdir(join(TOOLS_DIRECTORY, 'stamps'), { recursive: true });
  await fetchAll(packaged, signal);
  const go = await goVersion();
  if (go === undefined) {
    process.stdout.write('tools: not available: no Go. What needs them is reported as not run.\n');
    return EXIT_CODE.ok;
  }
  const stale = await findStale(components, go);
  const failed = await buildAll(stale, signal);
  if (signal.aborted) return EXIT_CODE.failure;
  if (failed.length > 0) {
    process.stdout.write(`tools: not built: ${failed.join(', ')}; the reason is above.\n`);
    return EXIT_CODE.failure;
  }
  const current = components.length - stale.length;
  process.stdout.write(`tools: ${stale.length} built, ${current} up to date in .tools/bin\n`);
  return EXIT_CODE.ok;
}

await runCommand(install);
