import { CommandError } from '../../common/command.ts';
import { measureGateOnKnownRuns } from '../gate/known-runs.ts';
import { measureLiveGate, recordRuns } from '../gate/live-runs.ts';
import type { Row } from '../row.ts';
import type { Scenario, ScenarioContext } from '../scenario.ts';

type Part = (context: ScenarioContext) => Promise<Row[]>;

const PARTS: Readonly<Record<string, Part>> = {
  known: measureGateOnKnownRuns,
  live: measureLiveGate,
};
/** Only when asked for: it replaces what the first part draws from. */
const RECORD = 'record';

async function measureGate(context: ScenarioContext): Promise<Row[]> {
  const { part } = context.options;
  const names = part === undefined ? Object.keys(PARTS) : [part];
  const rows: Row[] = [];
  for (const name of names) {
    const run = name === RECORD ? recordRuns : PARTS[name];
    if (run === undefined) {
      const known = [...Object.keys(PARTS), RECORD].join(', ');
      throw new CommandError(`no part "${name}" of gate; there are: ${known}`);
    }
    rows.push(...(await run(context)));
  }
  return rows;
}

/** On runs with a known truth, and on real ones behind a relay that delays. */
export const gate: Scenario = {
  name: 'gate',
  title: "the load gate's own errors: false alarms, and slow-downs that it sees",
  takes: ['part'],
  run: measureGate,
};
