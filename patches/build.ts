// Builds Kubernetes' programs with the patches, for those who want to run them: prove/patches does.
import { CommandError, runCommand } from '../common/command.ts';
import { EXIT_CODE, type ExitCode } from '../common/exit-code.ts';
import { goVersion } from '../tools/go.ts';
import { startProgress } from '../tools/progress.ts';
import { buildPatched, patchedName } from './patched-program.ts';
import { NoSourceError } from './source.ts';

const HELP = `Builds Kubernetes' programs with the patches for their version into .tools/bin.
What is up to date is left alone.

  node patches/build.ts kube-controller-manager
`;

async function main(argv: readonly string[], signal: AbortSignal): Promise<ExitCode> {
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(HELP);
    return EXIT_CODE.ok;
  }
  if (argv.length === 0) throw new CommandError('expected the name of a program; see --help');
  const go = await goVersion();
  for (const program of argv) {
    if (go === undefined) {
      process.stdout.write(`${patchedName(program)}: not available: no Go\n`);
      continue;
    }
    const outcome = await buildOne(program, go, signal);
    process.stdout.write(`${patchedName(program)}: ${outcome}\n`);
  }
  return EXIT_CODE.ok;
}

async function buildOne(program: string, go: string, signal: AbortSignal): Promise<string> {
  const progress = startProgress(patchedName(program), process.stderr);
  try {
    const built = await buildPatched(program, {
      goVersion: go,
      signal,
      onNote: (text) => progress.note(text),
    });
    progress.finish('done');
    return built ? 'built' : 'up to date';
  } catch (cause) {
    progress.finish('failed');
    // Without a source nothing is known about the patches: what needs the program is not run.
    if (cause instanceof NoSourceError) return `not available: ${cause.message}`;
    if (signal.aborted) throw new CommandError('stopped', { exitCode: EXIT_CODE.failure, cause });
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new CommandError(message, { exitCode: EXIT_CODE.failure, cause });
  }
}

await runCommand(main);
