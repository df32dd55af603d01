// Whether a run counts: it is asked before any verdict what was offered, and by what.
import type { Validity } from '../result.ts';
import type { Expected } from './expected.ts';
import type { K6Outcome } from './k6.ts';
import type { Samples } from './samples.ts';

const OFFERED_TOLERANCE = 0.01;
// Beyond it the generator waits for processors, and its waits are counted as the server's.
const CPU_LIMIT_SHARE = 0.8;

type Offered = Pick<Samples, 'iterations' | 'droppedIterations'>;

/** Without a swarm there is no event loop to lag. */
export function assessRun(
  { iterations, droppedIterations }: Offered,
  { exitCode, cpuShare, complaint }: K6Outcome,
  expected: Expected,
): Validity {
  const problems: string[] = [];
  if (exitCode !== 0) problems.push(`k6 ended with ${exitCode}: ${complaint}`);
  if (droppedIterations > 0) problems.push(`k6 dropped ${droppedIterations} iterations`);
  const offeredRatio = iterations / expected.iterations;
  const off = Math.abs(iterations - expected.iterations);
  // The first and the last may fall outside: one for each scenario is no sign of a late generator.
  if (off > Math.max(expected.ends, OFFERED_TOLERANCE * expected.iterations)) {
    problems.push(`${iterations} iterations, expected ${expected.iterations}`);
  }
  if (cpuShare > CPU_LIMIT_SHARE) {
    problems.push(`k6 took ${Math.round(cpuShare * 100)} % of a processor, at most 80 % count`);
  }
  const generatorCpuShare = cpuShare;
  return { droppedIterations, offeredRatio, generatorCpuShare, loopLagP99Ms: 0, problems };
}
