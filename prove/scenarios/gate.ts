import { measureGateOnKnownRuns } from '../gate/known-runs.ts';
import type { Scenario } from '../scenario.ts';

/** On runs with a known truth; live arms behind a relay that delays are not part of it yet. */
export const gate: Scenario = {
  name: 'gate',
  title: "the load gate's own errors: false alarms, and slow-downs that it sees",
  run: measureGateOnKnownRuns,
};
