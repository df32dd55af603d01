// evenkeel-load as its users start it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from '../../tools/run-program.ts';
import type { ScenarioContext } from '../scenario.ts';

const PROGRAM = 'loadtests/main.ts';

/** What is read of the gate's JSON. */
interface Verdict {
  readonly outcome: string;
  readonly sentence: string;
  readonly metrics: readonly { readonly name: string; readonly finding: string }[];
}

export interface Judged {
  readonly exitCode: number | null;
  readonly verdict: Verdict;
}

/** Throws when the gate came to no verdict. */
export async function runGate(context: ScenarioContext, args: readonly string[]): Promise<Judged> {
  const file = join(context.directory, 'verdict.json');
  const { exitCode, lines } = await runLoad(context, ['gate', ...args, '--json', file]);
  try {
    return { exitCode, verdict: JSON.parse(readFileSync(file, 'utf8')) as Verdict };
  } catch (cause) {
    throw new Error(`evenkeel-load gate ended with ${exitCode}: ${lines.at(-1)}`, { cause });
  }
}

export function regressedIn({ metrics }: Verdict): string[] {
  return metrics.filter(({ finding }) => finding === 'REGRESSED').map(({ name }) => name);
}

export async function runLoad(
  { directory, signal, say }: ScenarioContext,
  args: readonly string[],
): Promise<{ readonly exitCode: number | null; readonly lines: readonly string[] }> {
  const ended = await runProgram({
    // Through env, because what is killed leaves its temporary folder in there, for us to remove.
    command: 'env',
    args: [`TMPDIR=${directory}`, process.execPath, PROGRAM, ...args],
    signal,
    onLine: (line) => {
      if (/^run \d+ of \d+/.test(line)) say(line);
    },
  });
  signal.throwIfAborted();
  return ended;
}
