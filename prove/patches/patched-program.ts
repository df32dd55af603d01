// Real components with the patches. They are built by patches/build.ts, which is run and not
// imported: what is proven here is what anybody gets who runs it.
import { missingBinaries } from '../../tools/binaries.ts';
import { runProgram } from '../../tools/run-program.ts';
import type { ScenarioContext } from '../scenario.ts';

/** The name in .tools/bin, or why there is none. */
export type PatchedProgram =
  | { readonly kind: 'built'; readonly name: string }
  | { readonly kind: 'missing'; readonly why: string };

/** Builds `program` with its patches unless that is up to date. From nothing it takes minutes. */
export async function requirePatched(
  program: string,
  { signal, say }: Pick<ScenarioContext, 'signal' | 'say'>,
): Promise<PatchedProgram> {
  say(`building ${program} with its patches, where it is not up to date`);
  const { exitCode, lines } = await runProgram({
    command: process.execPath,
    args: ['patches/build.ts', program],
    signal,
    onLine: say,
  });
  signal.throwIfAborted();
  const name = `${program}-patched`;
  if (exitCode === 0 && missingBinaries([name]).length === 0) return { kind: 'built', name };
  return { kind: 'missing', why: lines.at(-1) ?? `patches/build.ts ended with ${exitCode}` };
}
