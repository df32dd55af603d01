// The gate over runs that were made up, with drift and heavy tails: what it says must be the truth.
import { runProgram } from '../../tools/run-program.ts';
import { atLeast, atMost, notRun, type Row } from '../row.ts';
import type { ScenarioContext } from '../scenario.ts';

const SELF_TEST = 'loadtests/gate/self-test-main.ts';

interface Counts {
  readonly trials: number;
  readonly found: number;
  readonly falseAlarms: number;
}

interface SelfTest {
  readonly same: Counts;
  readonly restless: Counts;
  readonly slower: Counts;
  readonly littleSlower: Counts;
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

function rowsOf({ same, restless, slower, littleSlower }: SelfTest): Row[] {
  const unit = `of ${same.trials}`;
  return [
    atMost({ what: 'false regressions, same against same', value: same.falseAlarms, unit }, 1),
    atMost({ what: 'the same, runs that spread 10 %', value: restless.falseAlarms, unit }, 1),
    atLeast({ what: '+20 % on one metric, found there', value: slower.found, unit }, 18),
    atMost({ what: '+20 % on one metric, found elsewhere', value: slower.falseAlarms, unit }, 0),
    atMost({ what: '+3 % on one metric, called worse', value: littleSlower.found, unit }, 0),
  ];
}
