import { measureShortRuns } from '../load/short-runs.ts';
import type { Scenario } from '../scenario.ts';

/** Whether the suites do what they say: a suite with errors of its own measures those. */
export const loadtests: Scenario = {
  name: 'loadtests',
  title: 'every load suite, short, on three kube-apiservers through the door',
  takes: ['part', 'quick'],
  run: measureShortRuns,
};
