import { measureInformers } from '../informers-through-a-kill.ts';
import type { Scenario } from '../scenario.ts';
import { runSuites, type Suite } from '../suites.ts';

const SUITES: readonly Suite[] = [
  { what: 'kubectl through the door', file: 'test/cluster/kubectl.test.ts' },
  {
    what: 'requests answered alike, direct and through the door',
    file: 'test/cluster/conformance.test.ts',
    figure: { name: 'requests', atLeast: 150 },
  },
  {
    what: 'exec, attach, cp, port-forward and logs to a kubelet',
    file: 'test/cluster/kubelet.test.ts',
  },
  { what: 'client-go through the door', file: 'test/cluster/client-go.test.ts' },
  {
    what: 'spellings of identity headers, none of which passes',
    file: 'test/cluster/spoof.test.ts',
    figure: { name: 'spellings', atLeast: 40 },
  },
  {
    what: 'h2spec cases that the door may fail',
    file: 'test/cluster/h2spec-door.test.ts',
    figure: { name: 'exceptions', atMost: 0 },
  },
];

/** The main job: real clients through the door to three real kube-apiservers. */
export const frontDoor: Scenario = {
  name: 'front-door',
  title: 'kubectl and client-go through the door to three kube-apiservers, one of which is killed',
  // The measurement goes first: it ends in a minute, the suites take several.
  run: async (context) => [
    ...(await measureInformers(context)),
    ...(await runSuites(SUITES, context)),
  ],
};
