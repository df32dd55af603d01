// `node loadtests/gate/self-test-main.ts`: tries the gate on runs whose truth is known. Prints JSON
// for `npm run prove -- gate`, or with --docs writes the power curve into docs/load-gate.md.
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { CommandError, runCommand } from '../../common/command.ts';
import { EXIT_CODE, type ExitCode } from '../../common/exit-code.ts';
import { lossyArms, readRecording, sameArms, slowerArms } from './recorded-arms.ts';
import { formatPowerCurve, runRecordedTrials, runTrials } from './self-test.ts';

const DOCUMENT = new URL('../../docs/load-gate.md', import.meta.url);
const CURVE = /(<!-- power curve -->\n).*(<!-- end of power curve -->)/s;
/** What the curve's figures are made of: they are then good to some five percent. */
const CURVE_TRIALS = 100;
/** As many runs in each arm as a quick look before an upgrade has. */
const PAIRS = 8;

async function main(argv: readonly string[]): Promise<ExitCode> {
  const { docs, trials } = parse(argv);
  if (docs) {
    const before = await readFile(DOCUMENT, 'utf8');
    const curve = formatPowerCurve(CURVE_TRIALS);
    await writeFile(
      DOCUMENT,
      before.replace(CURVE, (_, start, end) => `${start}\n${curve}\n\n${end}`),
    );
    return EXIT_CODE.ok;
  }
  const recording = readRecording();
  const counts = {
    same: runTrials({ trials, pairs: PAIRS, factor: 1, seed: 11 }),
    restless: runTrials({ trials, pairs: PAIRS, factor: 1, spread: 0.1, seed: 12 }),
    slower: runTrials({ trials, pairs: PAIRS, factor: 1.2, seed: 13 }),
    littleSlower: runTrials({ trials, pairs: PAIRS, factor: 1.03, seed: 14 }),
    recorded: {
      same: runRecordedTrials(trials, (seed) => sameArms(recording, seed)),
      slower: runRecordedTrials(trials, (seed) => slowerArms(recording, seed)),
      lossy: runRecordedTrials(
        trials,
        (seed) => lossyArms(recording, seed),
        (name) => name === 'watch_events_lost',
      ),
      littleSlower: runRecordedTrials(trials, (seed) => sameArms(recording, seed, 1.03)),
    },
  };
  process.stdout.write(`${JSON.stringify(counts)}\n`);
  return EXIT_CODE.ok;
}

function parse(argv: readonly string[]): { docs: boolean; trials: number } {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: { docs: { type: 'boolean' }, trials: { type: 'string' } },
    });
    const trials = Number(values.trials ?? 20);
    if (Number.isInteger(trials) && trials > 0) return { docs: values.docs === true, trials };
    throw new Error(`--trials: expected a number above 0, got "${values.trials}"`);
  } catch (cause) {
    throw new CommandError((cause as Error).message, { cause });
  }
}

await runCommand(main);
