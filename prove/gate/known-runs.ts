// The gate over runs that were made up, with drift and heavy tails: what it says must be the truth.
import { runProgram } from '../../tools/run-program.ts';
import { atLeast, atMost, notRun, type Row } from '../row.ts';
import type { ScenarioContext } from '../scenario.ts';

const SELF_TEST = 'loadtests/gate/self-test-main.ts';

interface Counts {
  readonly trials: number;
  readonly found: number;
  readonly falseAlarms: number;
  readonly outcomes: { readonly regression: number; readonly objectiveFailed: number };
}

interface Comparisons {
  readonly same: Counts;
  readonly restless: Counts;
  readonly slower: Counts;
  readonly littleSlower: Counts;
}

interface SelfTest extends Comparisons {
  /** Over arms that are drawn from real runs. */
  readonly recorded: Omit<Comparisons, 'restless'> & { readonly lossy: Counts };
}

export async function measureGateOnKnownRuns({ signal, say }: ScenarioContext): Promise<Row[]> {
  say('20 comparisons of each kind, 8 runs in each arm, 6 metrics');
  const { exitCode, lines } = await runProgram({
    command: process.execPath,
    args: [SELF_TEST, '--trials', '20'],
    signal,
  });
  const last = lines.at(-1) ?? 'it said nothing';
  if (exitCode !== 0) return [notRun('the self-test of the gate', 'runs', last)];
  return rowsOf(JSON.parse(last) as SelfTest);
}

function rowsOf({ same, restless, slower, littleSlower, recorded }: SelfTest): Row[] {
  const unit = `of ${same.trials}`;
  return [
    atMost({ what: 'false regressions, same against same', value: same.falseAlarms, unit }, 1),
    atMost({ what: 'the same, runs that spread 10 %', value: restless.falseAlarms, unit }, 1),
    atLeast({ what: '+20 % on one metric, found there', value: slower.found, unit }, 18),
    atMost({ what: '+20 % on one metric, found elsewhere', value: slower.falseAlarms, unit }, 0),
    atMost({ what: '+3 % on one metric, called worse', value: littleSlower.found, unit }, 0),
    ...recordedRows(recorded),
  ];
}

function recordedRows({ same, slower, littleSlower, lossy }: SelfTest['recorded']): Row[] {
  const unit = `of ${same.trials}`;
  const { regression, objectiveFailed } = same.outcomes;
  return [
    atMost({ what: 'real runs, same against same: regressions', value: regression, unit }, 1),
    atMost({ what: 'the same: objectives missed', value: objectiveFailed, unit }, 0),
    atLeast(
      { what: 'real runs, +20 % on PUT: regressions, found there', value: slower.found, unit },
      18,
    ),
    atMost(
      { what: 'real runs, +20 % on PUT: found elsewhere', value: slower.falseAlarms, unit },
      1,
    ),
    atLeast({ what: 'real runs, one event lost: regressions', value: lossy.found, unit }, 20),
    atMost({ what: 'real runs, +3 % on PUT: called worse', value: littleSlower.found, unit }, 0),
  ];
}
