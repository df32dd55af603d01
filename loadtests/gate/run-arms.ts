// Live arms: who runs a suite is handed in, and the order is the gate's.
import { basename } from 'node:path';
import { CommandError } from '../../common/command.ts';
import { type Arms, type NamedRun, problemsOfRun, readRuns } from './arms.ts';

/** Runs the suite once against a target, on a fresh store, and gives the path of the result. */
export type RunArm = (target: string, index: number) => Promise<string>;

export interface LivePlan {
  readonly baseline: string;
  readonly candidate: string;
  /** Runs in each arm, fixed beforehand. */
  readonly pairs: number;
  readonly runArm: RunArm;
  readonly signal: AbortSignal;
  /** Before each run: the first is 1. */
  readonly onProgress?: (run: number, runs: number, target: string) => void;
}

/**
 * Both arms in the order A B B A A B: what drifts with time meets both alike.
 *
 * The number of pairs is fixed. To stop as soon as a difference shows would find one where there is
 * none more often than alpha says, since each look is another chance. The one reason to stop before
 * is a run that does not count, because then the verdict is `invalid` whatever else comes.
 */
export async function runArms(plan: LivePlan): Promise<Arms> {
  const { pairs, signal, onProgress } = plan;
  const arms = { baseline: [] as NamedRun[], candidate: [] as NamedRun[] };
  for (let run = 0; run < 2 * pairs; run += 1) {
    signal.throwIfAborted();
    const arm = armOf(run);
    onProgress?.(run + 1, 2 * pairs, plan[arm]);
    const [result] = await readRuns([await plan.runArm(plan[arm], arms[arm].length)]);
    if (result === undefined) throw new CommandError(`${plan[arm]}: the run left no result`);
    // Where it lies for as long as the gate runs is no name for a sentence.
    arms[arm].push({ ...result, name: basename(result.name) });
    if (problemsOfRun(result).length > 0) break;
  }
  return arms;
}

function armOf(run: number): 'baseline' | 'candidate' {
  return run % 4 === 0 || run % 4 === 3 ? 'baseline' : 'candidate';
}
